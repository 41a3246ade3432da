"""Wire formats: one file each, found by discovery. This docstring is the contract of a guest.

A format module exports one object, ``FORMAT``, of class ``Format`` (formats/contract.py):

    name        short and stable, it is stored with every batch: "health-auto-export"
    claims(body: Any, envelope: Envelope) -> bool
                looks only at the decoded JSON's shape (and headers); cheap; exactly one format claims a body
    records(body: Any, envelope: Envelope) -> Iterator[Record]
                yields records in the body's own order, deterministically: position N is the same record on every call.
                A record that cannot be understood is yielded as ``Rejected``; nothing in the body makes it raise.
    looks_for   one line for the 422 answer: the keys that make a body this format

A format knows nothing of the database, of persons or of Flask. It parses times with ``domain.clock`` (the envelope holds
the zone for times that carry none), leaves units and names as the wire has them and says by ``naming`` whose names they
are. HealthKit percent ("%" meaning 0..1) is passed on as the unit "hk%".
"""
