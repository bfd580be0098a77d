import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

pytestmark = pytest.mark.tensorflow
keras = pytest.importorskip("keras")

from export.convert import release  # noqa: E402
from export.datasets import ferplus  # noqa: E402
from export.errors import DatasetError, RunError  # noqa: E402
from export.report import report, sections  # noqa: E402
from ferlite.errors import ModelError, OutputError  # noqa: E402


class Page(HTMLParser):
    """What a browser would fetch, the ids, and the text."""

    def __init__(self, text):
        super().__init__()
        self.fetched, self.ids, self.text = [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.ids += [values["id"]] if "id" in values else []
        links = [values.get(name) for name in ("src", "href", "xlink:href")]
        self.fetched += [link for link in links if link and not link.startswith(("#", "data:image/png;base64,"))]

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)

    def handle_data(self, data):
        self.text += data


def written(folder):
    """Page and Markdown, after what holds for any report was checked."""
    page, markdown = ((folder / name).read_text(encoding="utf-8") for name in ("report.html", "report.md"))
    parsed = Page(page)
    assert parsed.fetched == []
    assert len(parsed.ids) == len(set(parsed.ids))
    assert not re.search(r"@import|url\((?!#)|<script|<link|\bnan\b", page)
    shown = re.findall(r"!\[[^]]*\]\(([^)]*)\)", markdown)
    assert shown
    assert {folder / name for name in shown} == set((folder / "report-pictures").iterdir())
    assert str(folder.parent) not in page + markdown
    return parsed.text, markdown


def test_one_run_with_its_converted_model(make_run, make_data, tmp_path):
    data, models = make_data(), tmp_path / "models"
    run = make_run("net", data)
    release.convert(run, data, ["tflite-float32"], models, name="net")
    assert report([run], lambda _: data, tmp_path / "out", models=[models]) == tmp_path / "out/report.html"
    text, markdown = written(tmp_path / "out")
    for title in ("By label", "Confusion", "Reliability", "Training", "Size, time and accuracy", "On the device"):
        assert title in text
        assert f"### {title}\n" in markdown
    assert "What conversion costs" in text
    assert "Where the network looks (Grad-CAM)" in text
    assert "net-float32.tflite" in text
    assert "| same label | - | 100.0 % |" in markdown
    assert "PublicTest" in text


def test_a_logit_adjustment_makes_no_other_run_of_a_file(make_run, make_data, tmp_path):
    data, models = make_data(), tmp_path / "models"
    uneven = replace(data, training=data.training.take(np.r_[0 : len(data.training), np.zeros(1000, int)]))
    run = make_run("net", uneven)
    release.convert(run, uneven, ["tflite-float32"], models, name="net", logit_adjustment=1.0)
    report([run], lambda _: uneven, tmp_path / "out", models=[models])
    text, markdown = written(tmp_path / "out")
    assert "| same label | - | 100.0 % |" in markdown
    assert "adjusted to the labels' shares when they were converted" in text


@pytest.mark.parametrize(("figure", "said"), [(0.22, "0.220"), (0.2154, "0.215"), (12.0, "12.0"), (123.4, "123")])
def test_times_have_as_many_digits_as_the_others(figure, said):
    assert sections._three_digits(figure) == said


def test_runs_with_other_labels_and_pictures_stand_side_by_side(make_run, make_data, tmp_path):
    data = {
        make_run("grey", few := make_data(), epochs=2): few,
        make_run("colours", many := make_data("abcd", 24, "rgb"), log=False): many,
    }
    report(list(data), data.__getitem__, tmp_path / "out", split="test")
    text, markdown = written(tmp_path / "out")
    assert "Side by side" in text
    assert "| epochs | 2 | 60 |" in markdown
    assert "| pictures | 48×48 grey | 24×24 rgb |" in markdown
    assert "24×24 rgb" in text
    assert "no log.csv" in text
    assert "No converted model of this run was given" in text
    assert "The test split is for the figure of a release" in text


def test_pictures_can_be_left_out_and_an_old_report_is_replaced(make_run, make_data, tmp_path):
    run, data = make_run("net", make_data()), make_data()
    report([run], lambda _: data, tmp_path / "out")
    assert "Most confident mistakes" in written(tmp_path / "out")[0]
    report([run], lambda _: data, tmp_path / "out", with_pictures=False)
    text, _ = written(tmp_path / "out")
    assert "Most confident mistakes" not in text
    assert "Grad-CAM" not in text
    assert "<img" not in (tmp_path / "out" / "report.html").read_text()
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["report-pictures", "report.html", "report.md"]


def test_figures_are_recorded_in_the_run(make_run, make_data, tmp_path):
    run, data = make_run("net", make_data()), make_data()
    command = f"python -m export report {run} --record --output {tmp_path}/out/"
    report([run], lambda _: data, tmp_path / "out", with_pictures=False, record=True, command=command)
    assert "python -m export report net --record --output out" in written(tmp_path / "out")[0]
    found = json.loads((run / "evaluation.json").read_text())["validation"]
    assert (found["rows"], found["rows_unseen"], found["parameters"] > 0) == (24, 23, True)


def test_votes_are_found_by_the_row_number(make_run, make_data, tmp_path):
    run, data = make_run("net", make_data()), make_data()
    rows = np.zeros((72, len(ferplus.COLUMNS)), int)
    rows[24:44, ferplus.COLUMNS.index("happiness")] = 10  # of 24 validation rows, 2…: the rest has no votes
    path = tmp_path / "votes.csv"
    path.write_text("\n".join([",".join(ferplus.COLUMNS), *(",".join(map(str, row)) for row in rows)]))
    report([run], lambda _: data, tmp_path / "out", votes=path, with_pictures=False)
    _, markdown = written(tmp_path / "out")
    assert "| labels by the majority of FER+ votes | 20 |" in markdown
    path.write_text("\n".join(path.read_text().splitlines()[:30]))
    with pytest.raises(DatasetError, match="FER\\+ votes have 29 rows"):
        report([run], lambda _: data, tmp_path / "out", votes=path)


def test_a_run_on_votes_needs_no_votes_to_compare_with(make_run, make_data, tmp_path):
    run, data = make_run("net", make_data()), make_data()
    config = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps(config | {"data": {"ferplus": "votes.csv", "votes": "majority"}}))
    report([run], lambda _: data, tmp_path / "out", with_pictures=False)
    assert "No figures on FER+ labels: the labels above are FER+'s." in written(tmp_path / "out")[1]


def test_what_does_not_fit_is_said_before_anything_is_measured(make_run, make_data, make_network, tmp_path):
    data, out = make_data(), tmp_path / "out"
    run = make_run("net", data)

    def fault(error, text, runs, dataset=data, **options):
        with pytest.raises(error, match=text):
            report(runs, lambda _: dataset, out, **options)
        assert not out.exists()

    fault(RunError, "no run to report on", [])
    fault(RunError, "is not a run folder", [tmp_path])
    fault(RunError, "two runs are called runs/net", [run, run])
    fault(RunError, "was trained on the labels", [run], make_data("abc"))
    fault(RunError, "takes pictures of 48×48×1 .* has 24×24×3", [run], make_data(size=24, color="rgb"))
    fault(RunError, "no such file or folder", [run], models=[tmp_path / "none.tflite"])
    fault(RunError, "not a converted model", [run], models=[run / "config.json"])
    fault(RunError, "was made from none of these runs", [run], models=[make_network()])
    (tmp_path / "bare.onnx").write_bytes(b"")
    fault(ModelError, "card is missing", [run], models=[tmp_path / "bare.onnx"])
    fault(DatasetError, "No such file", [run], votes=tmp_path / "none.csv")
    with pytest.raises(OutputError, match="no report can be written there"):
        report([run], lambda _: data, run / "config.json")
    (run / "log.csv").write_text("epoch,loss\n1,a\n")
    fault(RunError, "log.csv is damaged", [run])
    (run / "log.csv").unlink()
    (run / "model.keras").unlink()
    fault(RunError, "has no model.keras yet", [run])


def test_a_model_of_another_run_is_told_by_its_answers(make_run, make_data, make_network, tmp_path):
    run, data = make_run("net", make_data()), make_data()
    stranger = make_network(data.labels)  # always says the first label
    network = keras.models.load_model(run / "model.keras")
    layer = network.get_layer("logits")
    layer.set_weights([layer.get_weights()[0], np.array([0, 0, 99])])
    network.save(run / "model.keras")
    report([run], lambda _: data, tmp_path / "out", models=[stranger], with_pictures=False)
    text, _ = written(tmp_path / "out")
    assert re.search(r"means\.onnx gives the same label for only 0.0 %", text)
    assert "On the device" not in text
