//! SM2, SM3 and SM4 arithmetic: no state, no I/O
