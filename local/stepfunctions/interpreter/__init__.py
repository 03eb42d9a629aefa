"""moto's interpreter of Amazon States Language, repaired: what AWS does where the interpreter does something else.

Its components (states, retriers, waits, …) are kept; methods of theirs are replaced one by one. Each module here holds
one idea and says at its head what it replaces and why; `local.stepfunctions.repairs` puts everything in place.
"""

from local.stepfunctions.moto_modules import import_interpreter

# The modules of this package import moto's at their head, which must not bring all of moto with it.
import_interpreter()
