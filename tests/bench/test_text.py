from ferlite.bench import text


def test_the_headline_is_the_fastest_setting_that_works(report):
    assert text.headline(report).endswith("frames per second (640x480, one face, haar detector, one thread)")
    for row in report["steps"]:
        row["right_number"] = 0.5
    assert "No setting" in text.headline(report)


def test_plain_text_has_all_tables_and_the_machine(report):
    shown = text.plain(report)
    assert report["machine"]["board"] in shown
    assert "Not a reference: a quick run" in shown
    for table in text.tables(report):
        assert table.caption in shown
        assert all(len(row) == len(table.columns) for row in table.rows)


def test_markdown_has_as_many_cells_in_each_row_as_columns(report):
    report["machine"]["board"] = "a|b"
    blocks = [block.splitlines() for block in text.markdown(report).split("\n\n") if block.startswith("|")]
    assert len(blocks) == len(text.tables(report)) + 1
    for lines in blocks:
        assert len({line.replace("\\|", "").count("|") for line in lines}) == 1


def test_what_the_machine_does_not_say_is_unknown(report):
    rows = dict(text.machine(report).rows)
    for state in report["states"]:
        state.update(clock_mhz=None, temperature_c=None, limits=None)
    rows = dict(text.machine(report).rows)
    assert rows["clock, MHz"] == rows["temperature, °C"] == rows["held back by"] == "unknown"
    report["states"][0].update(temperature_c=50.0, limits=["throttled"])
    report["states"][-1].update(temperature_c=60.0, limits=[])
    rows = dict(text.machine(report).rows)
    assert rows["temperature, °C"] == "50 before, 60 at the highest, 60 after"
    assert rows["held back by"] == "throttled"
