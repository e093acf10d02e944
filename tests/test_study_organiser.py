"""The organiser's pages: behind a password, text is text, and the numbers are those of the people who answered."""

import base64
import io
import json
import threading
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser

import pytest
import uvicorn
from fastapi import FastAPI
from PIL import Image
from starlette.testclient import TestClient

import browser_fixtures
from study.catalogue import Catalogue, StudyError
from study.database import Database
from study.export.files import export
from study.export.reading import read_export
from study.export.restoring import import_study
from study.plan import AnalysisPlan, BackgroundQuestion, Block, Exclusions, Plan, SampleSize
from study.sessions import Refused, Sessions
from study.web.application import build
from study.web.organiser_gate import Attempts, Gate, Turned
from study.web.organiser_numbers import Numbers
from study.web.organiser_report import Reports
from study_fixtures import KEY, Toy, toy_study
from study_people import Given, answer_all, hasten

pytest_plugins = ("study_fixtures", "browser_fixtures")
PASSWORD = "墨 correct horse battery"
TOP = "/study/organiser"
TOY = f"{TOP}/toy"
SCRIPT = "<script>alert('x')</script>\"'>=1+1 \u202ecba & | ` $"


def login(password: str = PASSWORD, user: str = "anybody") -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def mounted(catalogue: Catalogue, sessions: Sessions, password: str | None = PASSWORD) -> FastAPI:
    outer = FastAPI()
    outer.mount("/study", build(catalogue, sessions, password, key=KEY))
    return outer


def browser(toy: Toy, **options) -> TestClient:
    outer = mounted(toy.catalogue, toy.sessions)
    return TestClient(outer, raise_server_exceptions=False, follow_redirects=False, headers=login(), **options)


@pytest.fixture
def client(toy) -> TestClient:
    return browser(toy)


class Found(HTMLParser):
    """Tables as texts, forms' fields, all text, and all tags with their attributes."""

    def __init__(self, html: str):
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self.fields: dict[str, str] = {}
        self.tags: list[tuple[str, dict]] = []
        self.text, self._in_cell = "", False
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in ("td", "th"):
            self.tables[-1][-1].append("")
            self._in_cell = True
        if tag == "input" and "name" in dict(attributes):
            self.fields[dict(attributes)["name"]] = dict(attributes).get("value") or ""

    def handle_endtag(self, tag):
        self._in_cell = self._in_cell and tag not in ("td", "th")

    def handle_data(self, data):
        self.text += data
        if self._in_cell:
            self.tables[-1][-1][-1] += data

    def table(self, first: str, *more: str) -> list[dict[str, str]]:
        """The table whose head begins so."""
        for rows in self.tables:
            head = [cell.strip() for cell in rows[0]]
            if head[: 1 + len(more)] == [first, *more]:
                return [dict(zip(head, (cell.strip() for cell in row), strict=True)) for row in rows[1:]]
        raise AssertionError(f"no table of {first}: {[rows[0] for rows in self.tables]}")


def get(client: TestClient, path: str, status: int = 200) -> Found:
    answer = client.get(path)
    assert answer.status_code == status, answer.text[-500:]
    return Found(answer.text)


# The password


def test_off_without_a_password(toy):
    client = TestClient(mounted(toy.catalogue, toy.sessions, None), headers=login())
    for path in (TOP, TOY, f"{TOY}/results", f"{TOY}/export/csv.zip"):
        assert client.get(path).status_code == 404


def test_a_short_password_is_refused_at_the_start(toy):
    with pytest.raises(StudyError, match="has 11 characters; 12 are the fewest"):
        mounted(toy.catalogue, toy.sessions, "elevenchars")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        *map(login, ("wrong password", "", PASSWORD + " ")),
        *({"Authorization": value} for value in ("Bearer x", "Basic ***", "Basic /w==", "Basic")),
    ],
)
def test_only_the_password_opens(toy, headers):
    client = TestClient(mounted(toy.catalogue, toy.sessions), headers=headers, follow_redirects=False)
    for path in (
        TOP,
        TOY,
        f"{TOY}/results",
        f"{TOY}/plan.json",
        f"{TOY}/picture/{'0' * 64}.png",
        f"{TOY}/export/csv.zip",
    ):
        answer = client.get(path)
        assert answer.status_code == 401 and "Basic" in answer.headers["www-authenticate"]
        assert toy.plan.sha256[:12] not in answer.text and not answer.cookies
    assert client.post(f"{TOY}/state", data={"state": "closed"}).status_code == 401
    assert toy.catalogue.state(toy.study) == "open"


def test_headers(client):
    answer = client.get(TOP)
    assert answer.status_code == 200 and answer.headers["cache-control"].startswith("no-store")
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=strict" in cookie and "Path=/study/organiser" in cookie
    assert PASSWORD not in cookie and client.get(TOP).headers.get("set-cookie") is None
    assert client.head(TOY).status_code == 200


def test_not_inside_another_page(client):
    answer = client.get(TOY, headers={"Sec-Fetch-Dest": "iframe"})
    assert answer.status_code == 403 and "tab of their own" in answer.text and "Close the study" not in answer.text
    assert client.get(TOY, headers={"Sec-Fetch-Dest": "document"}).status_code == 200


def test_guessing_is_slow_for_all_together(toy):
    outer = mounted(toy.catalogue, toy.sessions)
    organiser = TestClient(outer, headers=login())
    assert organiser.get(TOP).status_code == 200
    seen = Counter(TestClient(outer, headers=login(f"guess number {n}")).get(TOP).status_code for n in range(40))
    assert seen[401] <= 12 and seen[401] + seen[429] == 40
    stranger = TestClient(outer, headers=login()).get(TOP)  # right or wrong, nobody is told
    assert stranger.status_code == 429 and stranger.headers["retry-after"]
    assert organiser.get(TOP).status_code == 200  # a browser that was in before stays in
    without = TestClient(outer, cookies=dict(organiser.cookies))
    assert without.get(TOP).status_code == 401  # by the password, not by the cookie


def test_attempts_come_back_with_time():
    now = [0.0]
    attempts = Attempts(3, 5.0, lambda: now[0])
    assert [attempts.take() for _ in range(4)] == [True, True, True, False]
    now[0] = 4.9
    assert not attempts.take()
    now[0] = 5.1
    assert attempts.take() and not attempts.take()
    attempts.give_back()
    assert attempts.take()
    now[0] = 1000.0
    assert [attempts.take() for _ in range(4)] == [True, True, True, False]


def test_right_passwords_use_up_no_attempts(toy):
    outer = mounted(toy.catalogue, toy.sessions)
    assert {TestClient(outer, headers=login()).get(TOP).status_code for _ in range(15)} == {200}


# Forms


@pytest.mark.parametrize(
    "headers, token",
    [
        ({}, ""),
        ({}, "0" * 64),
        ({"Sec-Fetch-Site": "cross-site"}, None),
        ({"Sec-Fetch-Site": "same-site"}, None),
        ({"Origin": "https://evil.example"}, None),
        ({"Origin": "http://testserver.evil.example"}, None),
    ],
)
def test_forms_of_other_sites_are_refused(toy, client, headers, token):
    good = get(client, TOY).fields["token"]
    data = {"state": "closed", "token": good if token is None else token}
    answer = client.post(f"{TOY}/state", data=data, headers=headers)
    assert answer.status_code == 403 and "Load the page again" in answer.text
    data = {"completion_code": "STOLEN", "token": data["token"]}
    assert client.post(f"{TOY}/recruiting", data=data, headers=headers).status_code == 403
    assert toy.catalogue.state(toy.study) == "open" and get(client, TOY).fields["completion_code"] == ""


@pytest.mark.parametrize(
    "headers",
    [{}, {"Sec-Fetch-Site": "same-origin", "Origin": "null"}, {"Origin": "http://testserver"}, {"Origin": "null"}],
)
def test_own_forms_are_taken(toy, client, headers):
    token = get(client, TOY).fields["token"]
    answer = client.post(f"{TOY}/state", data={"state": "closed", "token": token}, headers=headers)
    assert answer.status_code == 303 and answer.headers["location"] == TOY
    assert toy.catalogue.state(toy.study) == "closed"
    assert "Open the study again" in get(client, TOY).text
    client.post(f"{TOY}/state", data={"state": "open", "token": token}, headers=headers)
    assert toy.catalogue.state(toy.study) == "open"


def test_form_tokens_grow_old(monkeypatch):
    gate, now = Gate(PASSWORD, KEY), [1_000_000_000.0]
    monkeypatch.setattr("study.web.organiser_gate.time.time", lambda: now[0])
    from starlette.requests import Request

    request, given = Request({"type": "http", "headers": []}), {"token": gate.form_token()}
    now[0] += 24 * 3600
    gate.check_form(request, given)
    now[0] += 24 * 3600
    with pytest.raises(Turned):
        gate.check_form(request, given)
    with pytest.raises(Turned):
        gate.check_form(request, {"token": Gate(PASSWORD, b"x" * 32).form_token()})


def test_state_is_not_changed_by_a_link(toy, client):
    assert client.get(f"{TOY}/state?state=closed").status_code in (404, 405)
    assert toy.catalogue.state(toy.study) == "open"


def test_recruiting(toy, client):
    token = get(client, TOY).fields["token"]
    link = "https://app.prolific.com/submissions/complete?cc={code}"
    values = {"return_link": link, "completion_code": "C1", "token": token}
    assert client.post(f"{TOY}/recruiting", data=values).status_code == 303
    assert {name: get(client, TOY).fields[name] for name in ("return_link", "completion_code")} == {
        "return_link": link,
        "completion_code": "C1",
    }
    wrong = client.post(f"{TOY}/recruiting", data=values | {"return_link": "javascript:alert(1)//{code}"})
    assert wrong.status_code == 422 and "starts with https://" in wrong.text
    assert Found(wrong.text).fields["return_link"] == "javascript:alert(1)//{code}"  # to be corrected, as a text
    assert get(client, TOY).fields["return_link"] == link
    assert client.post(f"{TOY}/state", data={"state": "gone", "token": token}).status_code == 422


# What stands


def test_list(tmp_path, lasting):
    url = f"sqlite:///{tmp_path}/a.sqlite"
    options = dict(title={"en": "A demo", "zh": "演示"}, demo=True, seed=1)
    with toy_study(tmp_path / "s", url) as toy, toy_study(tmp_path / "s", url, "shown", **options) as shown:
        begun, _ = answer_all(toy, 3, leave_after={1: 2})
        answer_all(shown, 1)
        for key in ("x", "y"):
            with pytest.raises(Refused):
                toy.sessions.answer(toy.study, begun[1].access, 2, {"key": key})
        toy.sessions.withdraw(toy.study, begun[0].withdrawal)
        real, demo = get(browser(toy), TOP).table("Study", "State")
    assert real["Study"].endswith("toy") and (real["Consented"], real["Finished"], real["Answers"]) == ("2", "1", "7")
    assert real["Refused"] == "forged 2" and real["State"] == "Open"
    assert demo["Study"].startswith("A demo") and "Demonstration" in demo["State"] and demo["Consented"] == "1"


def test_a_list_of_nothing(tmp_path):
    catalogue = Catalogue(Database(f"sqlite:///{tmp_path}/a.sqlite"))
    client = TestClient(mounted(catalogue, Sessions(catalogue, KEY)), headers=login())
    assert "no studies yet" in get(client, TOP).text
    assert client.get(TOY).status_code == 404
    catalogue.database.close()


def test_study_page(tmp_path, lasting):
    background = (BackgroundQuestion("art", {"en": "?", "zh": "?"}, {"y": {"en": "y", "zh": "y"}}, excludes=("y",)),)
    options = dict(background=background, gold=1, exclusions=Exclusions(gold_correct=1), families=30)
    sample = SampleSize(165, 0.9, "as calculated")
    with toy_study(tmp_path / "s", f"sqlite:///{tmp_path}/a.sqlite", sample_size=sample, **options) as toy:
        client = browser(toy)
        page, text = get(client, TOY), client.get(TOY).text
        plan = client.get(f"{TOY}/plan.json")
    assert toy.plan.sha256 in page.text and "of 165 planned" in page.text and "as calculated" in page.text
    assert "Fewer than 1 of 1 gold questions right" in page.text and "art answered with y" in page.text
    assert Plan.from_json(plan.text) == toy.plan and "attachment" in plan.headers["content-disposition"]
    start = "http://testserver/study/take/toy"
    prolific = "PROLIFIC_PID={{%PROLIFIC_PID%}}&STUDY_ID={{%STUDY_ID%}}&SESSION_ID={{%SESSION_ID%}}"
    assert f">{start}<" in text and f"{start}?{prolific}" in page.text
    assert f"{start}?workerId=${{workerId}}&hitId=${{hitId}}&assignmentId=${{assignmentId}}" in page.text


def test_links_keep_a_proxys_prefix_and_name(toy):
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "studies.example"}
    client = TestClient(mounted(toy.catalogue, toy.sessions), headers=login() | headers, root_path="/lab")
    answer = client.get(f"/lab{TOY}")
    assert "https://studies.example/lab/study/take/toy" in answer.text
    assert 'href="/lab/study/organiser/toy/results"' in answer.text
    assert "Secure" in answer.headers["set-cookie"] and "Path=/lab/study/organiser" in answer.headers["set-cookie"]


def test_log(toy, client):
    assert "Nothing was refused" in get(client, f"{TOY}/log").text
    one = toy.sessions.begin(toy.study, "en")
    with pytest.raises(Refused):
        toy.sessions.answer(toy.study, one.access, 0, {"key": "x"})
    page = get(client, f"{TOY}/log")
    (row,) = page.table("Reason", "What it means")
    assert (row["Reason"], row["Times"]) == ("forged", "1") and "key of its page" in row["What it means"]
    (event,) = page.table("When, UTC")
    assert event["Reason"] == "forged" and len(event["Participant"]) == 16
    toy.sessions.withdraw(toy.study, one.withdrawal)
    assert "Nothing was refused" in get(client, f"{TOY}/log").text


def test_pictures(toy, client):
    page = get(client, f"{TOY}/pictures")
    shown = [dict(attributes)["src"] for tag, attributes in page.tags if tag == "img"]
    rows = page.table("Original", "Real")
    assert [row["Original"] for row in rows] == [f"f{number}" for number in range(20)] + [
        f"p{number}practice" for number in range(4)
    ]
    assert list(rows[0]) == ["Original", "Real", "M", "U"] and rows[0]["M"] == "f0.m" and len(shown) == 68
    second = get(client, f"{TOY}/pictures?page=2").table("Original")
    assert [list(row.values()) for row in second] == [["g0gold", "g0.gold"], ["g1gold", "g1.gold"]]
    for odd in ("0", "-1", "999", "x", "²", "1" * 50):
        assert client.get(f"{TOY}/pictures", params={"page": odd}).status_code == 200
    picture = client.get(shown[0])
    assert picture.headers["content-type"] == "image/png" and Image.open(io.BytesIO(picture.content)).size == (48, 48)
    for wrong in ("0" * 64, "..%2f..%2fplan", "a"):
        assert client.get(f"{TOY}/picture/{wrong}.png").status_code == 404


# Results


def percent(text: str) -> float:
    return float(text.removesuffix("%").strip())


def check_against(
    given: list[Given], page: Found, conditions: tuple[str, ...], left_out: set[int] = frozenset()
) -> None:
    """The table of accuracies against what the simulated people noted themselves, counted here."""
    counted = [one for one in given if one.role == "question" and one.person not in left_out]
    rows = {row["condition"]: row for row in page.table("condition", "people", "answers")}
    for name in conditions:
        own = [one for one in counted if one.condition == name]
        right = sum(one.correct for one in own)
        row = rows[name.upper()]
        assert row["people"] == str(len({one.person for one in own})) and row["items"] == str(
            len({one.item for one in own})
        )
        assert (row["answers"], row["right"]) == (str(len(own)), str(right))
        assert percent(row["accuracy"]) == pytest.approx(100 * right / len(own), abs=0.005)
    total = rows["all"]
    assert (total["answers"], total["right"]) == (str(len(counted)), str(sum(one.correct for one in counted)))


def test_results(tmp_path, lasting):
    rules = Exclusions(gold_correct=1)
    options = dict(gold=1, instructed=1, families=30, exclusions=rules, blocks=(Block(count=6),))
    options |= dict(analysis=AnalysisPlan(resamples=200))
    with toy_study(tmp_path / "s", f"sqlite:///{tmp_path}/a.sqlite", **options) as toy:
        begun, given = answer_all(toy, 5, {"m": 0.8, "u": 0.2}, seed=3, leave_after={2: 3})
        client = browser(toy)
        page = get(client, f"{TOY}/results")
        check_against(given, page, ("m", "u"), left_out={2})
        flow = [(row["step"], row["left out"], row["remain"]) for row in page.table("of", "step")]
        assert ("did not finish", "1", "4") in flow and flow[0] == ("consented", "0", "5")
        assert "Interim." in page.text and toy.plan.sha256 in page.text
        plots = [dict(attributes) for tag, attributes in page.tags if tag == "img"]
        assert len(plots) == 5 and all(plot["alt"] for plot in plots)
        picture = client.get(plots[1]["src"])
        assert picture.headers["content-type"] == "image/png" and picture.content.startswith(b"\x89PNG")
        for kind, start in (("md", "# Pictures"), ("tex", "% Needs"), ("json", "{")):
            report = client.get(f"{TOY}/report.{kind}")
            assert report.text.startswith(start) and toy.plan.sha256 in report.text
            assert f"toy-{toy.plan.sha256[:12]}-report.{kind}" in report.headers["content-disposition"]
        for missing in ("report.pdf", "plot/nothing.png", "plot/attention.png", "export/xlsx.zip"):
            assert client.get(f"{TOY}/{missing}").status_code == 404

        toy.sessions.withdraw(toy.study, begun[0].withdrawal)
        toy.catalogue.set_state(toy.study, "closed")
        page = get(client, f"{TOY}/results")
        check_against(given, page, ("m", "u"), left_out={0, 2})
        assert "Interim." not in page.text


def test_results_of_nobody(client):
    page = get(client, f"{TOY}/results")
    assert page.table("of", "step")[0]["remain"] == "0" and "Interim." in page.text


@pytest.mark.slow
def test_results_of_165_people(tmp_path, lasting):
    """The organiser's table of a simulated study of the paper's size comes out right."""
    options = dict(gold=2, instructed=1, families=60, practice=1, blocks=(Block(count=10),))
    rules = Exclusions(gold_correct=2, instructed_correct=1, median_seconds=1.0)
    with toy_study(tmp_path / "s", f"sqlite:///{tmp_path}/a.sqlite", exclusions=rules, **options) as toy:
        hasten(toy.database)
        leaving = {7: 1, 44: 5, 100: 9}
        begun, given = answer_all(toy, 165, {"m": 0.148, "u": 0.20}, seed=11, leave_after=leaving)
        for person in (3, 90):
            toy.sessions.withdraw(toy.study, begun[person].withdrawal)
        toy.catalogue.set_state(toy.study, "closed")
        client = browser(toy)
        (row,) = get(client, TOP).table("Study", "State")
        page = get(client, f"{TOY}/results")
        packed = client.get(f"{TOY}/export/all.zip").content
    kept = [one for one in given if one.person not in (3, 90)]
    assert (row["Consented"], row["Finished"], row["Answers"]) == ("163", "160", str(len(kept)))
    check_against(given, page, ("m", "u"), left_out={3, 90, *leaving})
    confident = {row["confidence"]: row for row in page.table("confidence")}
    counted = Counter(one.confidence for one in kept if one.role == "question" and one.person not in leaving)
    assert {level: int(one["answers"]) for level, one in confident.items()} == {str(n): counted[n] for n in range(1, 6)}
    (tmp_path / "all.zip").write_bytes(packed)
    _, answers, people = read_export(tmp_path / "all.zip")
    assert len(people) == 163 and answers["correct"].sum() == sum(one.correct for one in kept)


def test_a_report_is_computed_when_something_changed(toy, monkeypatch):
    made, now = [], [0.0]
    monkeypatch.setattr("study.analysis.analyse", lambda plan, answers, people: made.append(len(people)))
    reports = Reports(toy.database, Numbers(toy.database), 10.0, lambda: now[0])
    for _ in range(3):
        reports.of("toy")
    assert made == [0]
    begun, _ = answer_all(toy, 2)
    reports.of("toy")
    assert made == [0]  # kept for a while, however fast answers come in
    now[0] = 11.0
    reports.of("toy")
    assert made == [0, 2]
    toy.sessions.withdraw(toy.study, begun[0].withdrawal)
    reports.of("toy")
    assert made == [0, 2, 1]  # not for a moment longer when somebody withdraws
    toy.catalogue.set_state(toy.study, "closed")
    assert reports.of("toy").state == "closed"
    now[0] = 1e6
    reports.of("toy")
    assert made == [0, 2, 1, 1]
    with pytest.raises(ValueError, match="no study called 'other'"):
        reports.of("other")


def test_a_report_is_computed_once_for_all_who_wait(toy, monkeypatch):
    made, gate = [], threading.Event()

    def analyse(*_):
        made.append(1)
        gate.wait(10)

    monkeypatch.setattr("study.analysis.analyse", analyse)
    reports = Reports(toy.database, Numbers(toy.database))
    threads = [threading.Thread(target=reports.of, args=("toy",)) for _ in range(5)]
    for thread in threads:
        thread.start()
    gate.set()
    for thread in threads:
        thread.join()
    assert made == [1]


# Files


@pytest.mark.parametrize("form", ["csv", "parquet", "json", "all"])
def test_downloads_are_exports(toy, client, tmp_path, form):
    answer_all(toy, 2)
    answer = client.get(f"{TOY}/export/{form}.zip")
    stem = f"toy-{toy.plan.sha256[:12]}"
    assert f'filename="{stem}-{form}.zip"' in answer.headers["content-disposition"]
    (tmp_path / "a.zip").write_bytes(answer.content)
    plan, answers, participants = read_export(tmp_path / "a.zip")
    assert plan == toy.plan and len(participants) == 2 and len(answers) == 10
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        names = {name.removeprefix(f"{stem}/") for name in archive.namelist()}
        card = archive.read(f"{stem}/README.md").decode()
        assert json.loads(archive.read(f"{stem}/export.json"))["state"] == "open"
    assert {"plan.json", "README.md", "data_dictionary.md", "export.json"} <= names and "Interim" in card
    assert ("answers.csv" in names) == (form in ("csv", "all")) and ("study.json" in names) == (form in ("json", "all"))


def test_an_imported_study_has_results_and_nothing_to_set(toy, tmp_path):
    answer_all(toy, 2)
    toy.catalogue.set_state(toy.study, "closed")
    export(toy.database, "toy", tmp_path / "out")
    catalogue = Catalogue(Database(f"sqlite:///{tmp_path}/b.sqlite"))
    import_study(catalogue.database, tmp_path / "out")
    outer = mounted(catalogue, Sessions(catalogue, KEY))
    client = TestClient(outer, headers=login(), follow_redirects=False)
    page = get(client, TOY)
    assert "Archived" in page.text and not page.fields and "Archived" in get(client, TOP).table("Study")[0]["State"]
    assert get(client, f"{TOY}/results").table("of", "step")[0]["remain"] == "2"
    token = Gate(PASSWORD, KEY).form_token()
    assert client.post(f"{TOY}/state", data={"state": "open", "token": token}).status_code == 404
    assert client.get(f"{TOY}/pictures").status_code == 404
    catalogue.database.close()


# Text is text


@pytest.fixture
def hostile(tmp_path, lasting) -> Iterator[Toy]:
    """Every text of the plan is an attack; so is what participants type."""
    both = {"en": SCRIPT, "zh": SCRIPT}
    background = (
        BackgroundQuestion("art", both, {SCRIPT: both, "b": both}, excludes=(SCRIPT,)),
        BackgroundQuestion("note", both),
    )
    options = dict(background=background, title=both, consent=both, sample_size=SampleSize(9, 0.9, SCRIPT))
    with toy_study(tmp_path / "s", f"sqlite:///{tmp_path}/a.sqlite", **options) as toy:
        conditions = tuple(
            replace(one, label=f"{one.label}{SCRIPT}", model=SCRIPT, made=SCRIPT) for one in toy.plan.conditions
        )
        pictures = tuple(replace(one, original=SCRIPT) for one in toy.plan.pictures)
        plan = replace(toy.plan, name="hostile", conditions=conditions, pictures=pictures, seed=1)
        folder = tmp_path / "s" / "hostile"
        folder.mkdir()
        (folder / "pictures").symlink_to(toy.study.folder / "pictures")
        plan.save(folder / "plan.json")
        other = replace(toy, plan=plan, study=toy.catalogue.open(folder))
        answer_all(other, 2, background={"art": "b", "note": SCRIPT})
        yield other


def test_text_is_text(hostile):
    client = browser(hostile)
    pages = {path: client.get(f"{TOP}{path}") for path in ("", "/hostile", "/hostile/results", "/hostile/pictures")}
    for path, answer in pages.items():
        assert answer.status_code == 200, path
        found = Found(answer.text)
        scripts = [attributes.get("src", "") for tag, attributes in found.tags if tag == "script"]
        assert len(scripts) == 1 and scripts[0].startswith("/study/static/study.js"), path
        handlers = [
            name for _, attributes in found.tags for name in attributes if name.startswith("on") or name == "style"
        ]
        assert handlers == [], path
        assert "<script>alert" not in answer.text and "<script>alert('x')</script>" in found.text, path
        assert not [tag for tag, attributes in found.tags if attributes.get("href", "").startswith("javascript:")]
    for form in ("csv", "parquet", "json"):
        packed = zipfile.ZipFile(io.BytesIO(client.get(f"{TOP}/hostile/export/{form}.zip").content))
        stem = packed.namelist()[0].split("/")[0]
        for name in ("README.md", "data_dictionary.md"):
            assert "<script>" not in packed.read(f"{stem}/{name}").decode().split("---\n")[-1]
    packed.close()


# In a browser


@pytest.fixture
def served(tmp_path, lasting) -> Iterator[tuple[Toy, str]]:
    """An address, and the study behind it."""
    with toy_study(tmp_path / "s", f"sqlite:///{tmp_path}/a.sqlite") as toy:
        answer_all(toy, 3)
        server = uvicorn.Server(uvicorn.Config(mounted(toy.catalogue, toy.sessions), port=0, log_level="error"))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        while not server.started:
            thread.join(0.02)
        yield toy, f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}{TOP}"
        server.should_exit = True
        thread.join()


@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 390])
def test_in_a_browser(served, chromium, width):
    """Closes the study by its form, as a browser sends it; no page is wider than its window."""
    toy, url = served
    credentials = {"username": "o", "password": PASSWORD}
    visit = browser_fixtures.Visit(chromium, url, width, 900, "en-US", http_credentials=credentials)
    visit.page.click("text=Pictures")
    visit.page.click("button.danger")
    visit.page.wait_for_selector("text=Open the study again")
    assert toy.catalogue.state(toy.study) == "closed"
    for tab in ("Overview", "Results", "Pictures", "Log"):
        visit.page.click(f"nav.tabs >> text={tab}")
        visit.page.wait_for_load_state("networkidle")
        wider = visit.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wider <= 0, f"{tab} is {wider} px too wide"
    assert visit.is_clean()
    visit.context.close()
