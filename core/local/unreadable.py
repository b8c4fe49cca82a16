"""The exceptions that content of unknown form raises."""

#: What parsing foreign JSON may raise; deep nesting ends in a RecursionError.
UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError)
