"""What words tell of contrast agent."""

from __future__ import annotations

import pytest

from ichnet.ct.contrast_words import Phase, names_agent, phase_of, tells_of_contrast


@pytest.mark.parametrize(
    ("text", "phase"),
    [
        ("", Phase.SILENT),
        ("HEAD ROUTINE 5mm", Phase.SILENT),
        ("POST FOSSA", Phase.SILENT),
        ("Head Post Op", Phase.SILENT),
        ("HEAD post craniotomy", Phase.SILENT),
        ("Post-traumatic", Phase.SILENT),
        ("HEAD PRE OP", Phase.SILENT),
        ("HEAD C-SPINE", Phase.SILENT),
        ("CRANE SANS IV", Phase.PLAIN),
        ("Crâne sans injection", Phase.PLAIN),
        ("Schädel ohne KM", Phase.PLAIN),
        ("HEAD W/O CONTRAST", Phase.PLAIN),
        ("HEAD WO", Phase.PLAIN),
        ("NON-CONTRAST 5mm", Phase.PLAIN),
        ("Noncontrast head", Phase.PLAIN),
        ("CT PRE CONTRAST 5MM STD", Phase.PLAIN),
        ("HEAD C-", Phase.PLAIN),
        ("Schädel nativ", Phase.PLAIN),
        ("POST CONTRAST 5mm", Phase.CONTRAST),
        ("Head POST 100 cc", Phase.CONTRAST),
        ("HEAD POST", Phase.CONTRAST),
        ("HEAD C+", Phase.CONTRAST),
        ("CTA_HEAD", Phase.CONTRAST),
        ("POST FOSSA POST CONTRAST", Phase.CONTRAST),
        ("PRE AND POST", Phase.BOTH),
        ("CT HEAD WITHOUT AND WITH CONTRAST", Phase.BOTH),
        ("CT HEAD W/WO", Phase.BOTH),
        ("CT HEAD W/O & W CONTRAST", Phase.BOTH),
        *[(text, Phase.CONTRAST) for text in ("CT HEAD W", "CT HEAD W CON", "HEAD +C 5mm", "I+")],
        *[(text, Phase.CONTRAST) for text in ("mit KM", "nach KM", "con mdc", "C/C", "avec PDC")],
        *[(text, Phase.CONTRAST) for text in ("Injecté", "ARTERIAL", "Venous 5.0", "CTV", "CTP")],
        *[(text, Phase.CONTRAST) for text in ("Bolus", "Ultravist 300", "HEAD ENH", "Perfusion")],
        *[(text, Phase.CONTRAST) for text in ("头颅增强", "頭部 造影", "조영증강", "с контрастом")],
        *[(text, Phase.PLAIN) for text in ("bez kontrastu", "uden kontrast", "utan kontrast")],
        *[(text, Phase.PLAIN) for text in ("kontrastsız", "без контраста", "S/C", "o. KM", "IV-")],
        *[
            (text, Phase.PLAIN)
            for text in ("平扫", "単純", "비조영", "造影なし", "增强前", "Unenhanced")
        ],
        *[(text, Phase.SILENT) for text in ("POST 24 HR", "POST-INTUBATION", "POST MVC", "W 80")],
        *[(text, Phase.SILENT) for text in ("HEAD WITH BONE", "4TH VENTRICLE", "AX BRAIN 5MM")],
    ],
)
def test_what_a_text_says(text, phase):
    assert phase_of(text) is phase


@pytest.mark.parametrize(
    ("agent", "named"),
    [
        *[(word, False) for word in ("", " ", "NONE", "None.", "NO CONTRAST", "NO", "N/A", "0")],
        *[(word, False) for word in ("WITHOUT CONTRAST", "Not given", "SANS IV", "NONE GIVEN")],
        *[
            (word, False)
            for word in ("W/O", "0 ml", "NoContrast", "なし", "无", "нет", "없음", "n")
        ],
        *[
            (word, True)
            for word in ("碘海醇", "造影剤", "조영제", "N/A 100ml", "NON IONIC", "NA IODIDE")
        ],
        *[(word, True) for word in ("OMNIPAQUE 300", "IV", "APPLIED", "CONTRAST", "NONIONIC 350")],
    ],
)
def test_whether_an_agent_is_named(agent, named):
    assert names_agent(agent) is named


@pytest.mark.parametrize(
    ("description", "protocol", "agent", "contrast"),
    [
        ("POST FOSSA", "HEAD ROUTINE", "", False),
        ("Axial", "", "NONE", False),
        ("Axial", "", "OMNIPAQUE", True),
        ("PLAIN", "", "OMNIPAQUE", False),  # the first phase of a study with agent
        ("HEAD W/O", "CT HEAD WITH CONTRAST", "", False),
        ("POST CONTRAST 5mm", "CT HEAD WITHOUT AND WITH CONTRAST", "OMNIPAQUE 300", True),
        ("HEAD C+", "PRE AND POST", "OMNIPAQUE 300", True),
        ("Axial", "PRE AND POST", "", True),  # which phase is not told
        ("PRE", "PRE AND POST", "OMNIPAQUE 300", False),
    ],
)
def test_the_most_particular_text_decides(description, protocol, agent, contrast):
    assert tells_of_contrast([description, protocol], agent) is contrast
