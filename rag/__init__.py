"""Retrieval: documents to passages, a store, an index and answers in the documents' words.

It imports nothing else of this project; whoever uses it hands in an embedder.
"""
