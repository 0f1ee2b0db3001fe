"""What guests meet: links, pages, event streams, and the way through to the platform."""
