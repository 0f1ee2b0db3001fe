"""What is printed once the demonstration runs: each link, and what to do with it.

Rule that holds here: links alone on their lines, so that terminals make them clickable whole.
"""

from __future__ import annotations

from pathlib import Path

from gateway.demo.clinic import CLINIC, NAME, OWNER, Links

ROWS = (
    ("Room link, for guests", "room_link", "Open it in one browser and press the button: you wait to be let in."),
    (
        "Sign-in link, for the host",
        "host_link",
        f"Open it in another browser or a private window: its button makes you {NAME}. Works once, for 15 minutes.",
    ),
    ("Desk, once signed in", "desk_link", "Who waits, who is inside, and the buttons."),
    ("Session link, the guest's", "session_guest_link", "An appointment that is open now, for half an hour."),
    ("Session link, the host's", "session_host_link", "The same appointment from the other side; needs no sign-in."),
)


def announce(links: Links, config_file: Path) -> None:
    """Print it all."""
    said = links.document()
    print("The link gateway is running, on this machine only.\n")
    for title, name, words in ROWS:
        print(f"  {title}\n    {said[name]}\n    {words}\n")
    print(f"A fresh sign-in link: link-gateway host-link {CLINIC.slug} {OWNER} --config {config_file}")
    print(f"Health and metrics: {links.internal_url}   API key: {links.api_key}")
    print("Ctrl-C stops it all; the clinic is kept for the next time.", flush=True)
