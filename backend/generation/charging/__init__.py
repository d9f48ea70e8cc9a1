"""What runs cost: the charging rule, prices of calls, estimates, and the credits reserved for a run."""
