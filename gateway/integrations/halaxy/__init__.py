"""Halaxy: appointments of its practice software as sessions of the gateway, notes on its API in docs/halaxy.md.

Rule that holds here: Halaxy is only read. What it announces is a hint; what it answers, when asked, is what counts.
What people wrote into an appointment is neither kept nor logged.
"""
