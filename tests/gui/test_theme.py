import pytest
from PySide6.QtGui import QFontInfo, QFontMetrics

from gui import theme
from gui.theme import DARK, LIGHT

_SOFT = ("neutral_soft", "accent_soft", "good_soft", "danger_soft", "warning_soft")


def _luminance(colour):
    channels = (colour.redF(), colour.greenF(), colour.blueF())
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one, other):
    dim, bright = sorted((_luminance(one), _luminance(other)))
    return (bright + 0.05) / (dim + 0.05)


@pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=["light", "dark"])
def test_every_text_can_be_read_where_it_stands(tokens):
    pairs = [(text, "panel") for text in ("text", "muted", "accent", "good", "danger", "warning")]
    pairs += [(text, "background") for text in ("text", "muted", "good", "danger", "warning")]
    pairs += [("on_accent", "accent"), ("on_accent", "danger"), ("text", "selection")]
    inks = [soft.replace("_soft", "_ink") for soft in _SOFT]
    pairs += [(ink, ground) for ink in inks for ground in ("selection", "panel")]
    pairs += list(zip(inks, _SOFT, strict=True))
    bad = {
        f"{text} on {ground}": round(_contrast(getattr(tokens, text), getattr(tokens, ground)), 2)
        for text, ground in pairs
        if _contrast(getattr(tokens, text), getattr(tokens, ground)) < 4.5
    }
    assert bad == {}


def test_the_bundled_faces_are_used_and_digits_stand_below_each_other(themed):
    assert QFontInfo(theme.text_font()).family() == "Inter Strongroom"
    assert QFontInfo(theme.mono_font()).family() == "JetBrains Mono"
    number = QFontMetrics(theme.number_font())
    assert number.horizontalAdvance("1111") == number.horizontalAdvance("0000")
    mono = QFontMetrics(theme.mono_font())
    assert mono.horizontalAdvance("->!=") == mono.horizontalAdvance("abcd")


def test_switching_repaints_with_the_other_tokens(themed, qtbot):
    for mode, tokens in (("dark", DARK), ("light", LIGHT)):
        with qtbot.waitSignal(theme.current().changed):
            theme.current().set_mode(mode)
        assert theme.tokens() is tokens
        assert themed.palette().window().color() == tokens.panel
        sheet = themed.styleSheet()
        assert "@" not in sheet.partition("*/")[2]
        assert tokens.accent.name() in sheet


def test_applying_twice_follows_the_desktop_once(themed):
    theme.apply(themed, "system")
    assert theme.current().mode == "system"


def test_the_licences_lie_beside_the_fonts():
    texts = [path.read_text() for path in (theme.RESOURCES / "fonts").glob("*LICENSE*")]
    assert len(texts) == 2
    assert all("SIL OPEN FONT LICENSE" in text.upper() for text in texts)
