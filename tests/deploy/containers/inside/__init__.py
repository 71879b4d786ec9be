"""Programs that run inside the containers under test, with what is there. Each prints one JSON value."""
