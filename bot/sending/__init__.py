"""From a reply in the store to the carrier: what goes next, at what rate, with which files, and what is in doubt."""
