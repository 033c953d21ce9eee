"""What the machine under a path offers, and what to change before a million files meet it."""
