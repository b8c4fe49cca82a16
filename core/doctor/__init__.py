"""Diagnosis and repair of what interrupted rotations and unused access keys left behind."""
