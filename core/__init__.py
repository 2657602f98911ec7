"""The kit that every package stands on; it knows no noun of the product."""
