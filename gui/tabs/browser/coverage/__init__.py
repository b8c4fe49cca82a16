"""The coverage page of the Browser: calendars of streams, their gaps and their freshness."""
