"""moto's interpreter of Amazon States Language, repaired: what AWS does where the interpreter does something else.

Its components (states, retriers, waits, …) are kept; methods of theirs are replaced one by one. Each module here holds
one idea and says at its head what it replaces and why; `repairs.py` puts everything in place.
"""
