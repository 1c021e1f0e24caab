"""From frames off the socket to utterances: activity, endpoints, guesses ahead, barge-in."""
