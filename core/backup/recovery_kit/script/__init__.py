"""Sections of the recovery script, which are joined to one file that does not import Strongroom.

They are written for Python 3.9 and its standard library alone.
"""
