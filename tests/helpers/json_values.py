"""Generated values of JSON whose texts have quotes, brackets and escapes."""

from hypothesis import strategies as st

TEXTS = st.text(st.sampled_from('ab"\\[]{},: \n\té€'), max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
