"""What the territory offers, who provides it, when, and the bookings of it."""
