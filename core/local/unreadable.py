"""The exceptions that reading stored data of an unknown form may raise."""

#: What parsing foreign JSON may raise; deep nesting ends in a RecursionError.
UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError)
