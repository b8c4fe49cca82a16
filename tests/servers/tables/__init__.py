"""Faults while tables of every engine are backed up and restored."""
