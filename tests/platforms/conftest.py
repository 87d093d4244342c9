"""What the tests of platforms share."""

import os

# In every process that compiles for the first time, PyTorch builds its vectors' headers for each of the processor's
# instruction sets, only to see whether the compiler can: a quarter of a minute. It is told that the compiler can. What
# AVX-512 and AMX have of their own it tries out still, and the code that it compiles is the same.
os.environ.setdefault("TORCHINDUCTOR_VEC_ISA_OK", "1")
