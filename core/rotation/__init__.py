"""Rotation: a secret gets a new value by steps that can be interrupted, resumed and taken back.

`Rotator` is the way in. Each kind of secret has a `Strategy`; the machine runs its steps, writes
the journal before and after each, and takes back what must not stay.
"""
