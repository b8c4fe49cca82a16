"""Rotation: replacement of a secret's value in steps that can be resumed and undone.

`Rotator` is the entry point. Each kind of secret has a `Strategy`; the machine runs its steps,
writes the journal before and after each, and undoes incomplete changes.
"""
