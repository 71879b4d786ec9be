"""The citizen's inbox."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import Field

from gateway.api.representations import Answer, Cursor, Instant, Limit, Page, text
from gateway.auth import SignedIn
from gateway.backends import Services
from gateway.problems import preferred_language
from services.contracts.generated.ambito.notifications.v1 import notifications_pb2 as pb

router = APIRouter(tags=["messages"])


class InboxMessage(Answer):
    """A message."""

    id: UUID
    person_id: UUID
    subject: str
    body: str
    event_id: UUID = Field(description="The event that it tells of")
    created_at: Instant
    read: bool


@router.get("/messages")
async def list_messages(
    request: Request,
    caller: SignedIn,
    services: Services,
    person_id: UUID | None = None,
    limit: Limit = 20,
    cursor: Cursor = "",
) -> Page[InboxMessage]:
    """A person's messages (yours if nobody is named), newest first, in the language you accept."""
    accepted = request.headers.get("accept-language")
    message = pb.ListMessagesRequest(
        person_id=text(person_id or caller.person),
        limit=limit,
        cursor=cursor,
        language=preferred_language(accepted) if accepted else "",
    )
    return Page[InboxMessage].of(await services.read(services.inbox.ListMessages, message, caller))


@router.post("/messages/{message_id}/read")
async def mark_read(message_id: UUID, caller: SignedIn, services: Services) -> InboxMessage:
    """Marks a message as read."""
    request = pb.MarkReadRequest(message_id=str(message_id))
    return InboxMessage.of((await services.command(services.inbox.MarkRead, request, caller)).message)
