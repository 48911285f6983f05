"""Moving while serving: the new copy is judged beside the old one, takes over, and only then the old one goes.

Start reading in `departure` (how a move begins) and `course` (how it goes on).
"""
