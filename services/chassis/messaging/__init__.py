"""Events: written with the change they tell of, published by the relay, handled once by each consumer.

Nothing is imported here: who looks after the broker's topology needs no database.
"""
