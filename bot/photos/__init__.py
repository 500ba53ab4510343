"""Pictures of meters that customers send: fetched and looked at before the turn, in a process of their own."""
