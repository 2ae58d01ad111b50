"""mmgaitemo: learn the emotion in a walk from skeleton sequences, mostly without labels."""

from mmgaitemo import compat as compat
from mmgaitemo.version import __version__ as __version__
