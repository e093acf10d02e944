"""The participants' pages over HTTP, without a browser: the way through, refusals, headers, cookies, languages."""

import logging
import re
import string
from datetime import timedelta

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from study.database import now
from study.plan import BackgroundQuestion, Block
from study.sessions import Refused
from study.tables import ParticipantRow
from study.web.forms import MOST_BYTES
from study.web.questions import result_of
from study.web.refusals import STATUS
from study.web.rendering import FOLDER
from study.web.texts import TEXTS
from study_fixtures import Toy, mounted, toy_study
from study_visitors import Page

pytest_plugins = ("study_fixtures",)
TAKE = "/study/take/toy"
JSON = {"accept": "application/json"}
BACKGROUND = (
    BackgroundQuestion(
        key="training",
        text={"en": "Any training?", "zh": "学过吗？"},
        options={"yes": {"en": "Yes", "zh": "是"}, "no": {"en": "No", "zh": "否"}},
        required=True,
    ),
    BackgroundQuestion(key="words", text={"en": "Anything else?", "zh": "还有吗？"}),
)


def browser(toy: Toy, **options) -> TestClient:
    """A browser of its own at the pages of `toy`."""
    return TestClient(mounted(toy), raise_server_exceptions=False, follow_redirects=False, **options)


@pytest.fixture
def client(toy) -> TestClient:
    return browser(toy)


def begin(client: TestClient, **more) -> str:
    """Consent; the address of the session."""
    answer = client.post(TAKE, data={"consent": "yes", "width": "1280", **more})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"].removesuffix("/welcome")


def filled(page: Page, **more) -> dict[str, str]:
    """A question's form with the first of all choices."""
    return page.hidden | {name: values[0] for name, values in page.choices.items() if values} | more


def answer_all(client: TestClient, session: str) -> list[Page]:
    """Take part from the first question to the end, as a browser without JavaScript; all pages seen."""
    pages = []
    for _ in range(40):
        pages.append(Page(client.get(session).text))
        if not pages[-1].action.startswith(f"{session}/"):
            return pages
        answer = client.post(pages[-1].action, data=filled(pages[-1]))
        assert answer.status_code == 303, answer.text
    raise AssertionError("no end")


def people(toy: Toy) -> list[ParticipantRow]:
    with toy.database.reading() as session:
        return list(session.scalars(sa.select(ParticipantRow)))


# ---- the way through


def test_from_consent_to_code(database_url, tmp_path, lasting):
    """On both databases, with every kind of page; what was typed is stored as text, NUL and markup and all."""
    changes = dict(gold=1, instructed=1, background=BACKGROUND)
    with toy_study(tmp_path / "s", database_url, **changes) as toy:
        client = browser(toy)
        consent = client.get(TAKE)
        assert consent.status_code == 200 and "Nothing else is stored." in consent.text
        session = begin(client)
        welcome = Page(client.get(f"{session}/welcome").text)
        assert welcome.onwards == session and re.fullmatch(r"(\w{4}-){4}\w{4}", welcome.code)
        background = client.get(session)
        assert 'name="training"' in background.text and "<textarea" in background.text
        typed = "<script>alert(1)</script>\x00 '; DROP TABLE answers; -- 山水"
        assert client.post(f"{session}/background", data={"training": "no", "words": typed}).status_code == 303
        seen = answer_all(client, session)
        assert len(seen) == 1 + 4 + 1 + 1 + 1 and [len(page.pictures) for page in seen[:-1]].count(0) == 1
        assert len(toy.answers()) == 7
        person = people(toy)[0]
        assert person.background == {"training": "no", "words": typed.replace("\x00", "").strip()}
        assert (person.width, person.language, person.recruited) == (1280, "en", "link")
        assert seen[-1].code == person.code and not any(page.code for page in seen[:-1])
        assert "All your answers are stored." in client.get(session).text


def test_the_script_is_told_where_to_go_and_what_practice_was_worth(toy, client):
    session = begin(client)
    page = Page(client.get(session).text)
    right = toy.sessions.database.engine.connect().exec_driver_sql("SELECT right FROM shown").scalar()
    wrong = next(value for value in page.choices["answer"] if value != right)
    told = client.post(page.action, data=filled(page, answer=wrong), headers=JSON).json()
    sentences = ["That is not right.", f"Picture {right} is the generated one."]
    assert told == {"next": session, "feedback": {"right": right, "correct": False, "words": sentences}}
    shown = client.get(f"{session}/practice/0").text
    assert sentences[0] in shown and sentences[1] in shown
    page = Page(client.get(session).text)
    assert client.post(page.action, data=filled(page), headers=JSON).json() == {"next": session}
    assert client.get(f"{session}/practice/1").status_code == 409  # of no other question


def test_no_practice_form_without_javascript_leads_to_its_feedback(client):
    session = begin(client)
    page = Page(client.get(session).text)
    assert client.post(page.action, data=filled(page)).headers["location"] == f"{session}/practice/0"


@pytest.mark.parametrize(
    "kind, pictures, answers", [("is_real", 1, ["real", "generated"]), ("more_real", 2, ["1", "2"])]
)
def test_other_kinds_of_question(kind, pictures, answers, tmp_path, lasting):
    url = f"sqlite:///{tmp_path}/s.sqlite"
    with toy_study(tmp_path / "s", url, blocks=(Block(kind, 4, pictures),), confidence=False, instructed=1) as toy:
        client = browser(toy)
        seen = answer_all(client, begin(client))
        assert [page.choices["answer"] for page in seen[:-1]] == [answers] * 6
        assert sorted(len(page.pictures) for page in seen[:-1]) == [0] + [pictures] * 5
        assert all("confidence" not in page.choices for page in seen)
        assert all(row["confidence"] is None for row in toy.answers())


def test_a_time_limit_is_told_and_kept(tmp_path, lasting, monkeypatch):
    with toy_study(tmp_path / "s", f"sqlite:///{tmp_path}/s.sqlite", question_seconds=20, practice=0) as toy:
        client = browser(toy)
        session = begin(client)
        first = client.get(session)
        assert 'data-left="20.00"' in first.text
        assert '<noscript><meta http-equiv="refresh" content="26"></noscript>' in first.text
        later = now() + timedelta(seconds=27)
        monkeypatch.setattr("study.sessions.now", lambda: later)
        page = Page(first.text)
        late = client.post(page.action, data=filled(page))
        assert late.status_code == 409 and "was over before the answer arrived" in late.text
        assert Page(client.get(session).text).action == f"{session}/answer/1"


def test_result_is_put_into_words():
    from study.places import Finished

    result = {right: result_of(Finished("c", right, 16, 4.0, "en")) for right in (0, 1, 4, 8)}
    assert [one["words"] for one in result.values()] == ["end_worse", "end_within", "end_within", "end_better"]
    assert (result[8]["own"], result[8]["chance"], result[8]["expected"]) == (50, 25, "4")
    assert result_of(Finished("c", 0, 0, 0.0, "en")) is None


def test_the_return_link_carries_the_code(toy, client):
    toy.catalogue.set_recruiting(toy.study, "https://example.org/done?a=1&cc={code}", "SHARED-1")
    session = begin(client)
    end = answer_all(client, session)[-1]
    assert end.code == "SHARED-1" and end.onwards == "https://example.org/done?a=1&cc=SHARED-1"


# ---- no way back, no second answer


def test_an_answered_question_is_over(toy, client):
    session = begin(client)
    first = Page(client.get(session).text)
    assert client.get(first.pictures[0]).status_code == 200
    client.post(first.action, data=filled(first))
    assert Page(client.get(session).text).action == f"{session}/answer/1"
    assert client.get(first.action).status_code == 405  # there is nothing to see at it
    assert client.get(first.pictures[0]).status_code == 409
    assert client.get(f"{session}/picture/2/0").status_code == 409  # nor is the next one told before its time
    assert client.post(first.action, data=filled(first)).status_code == 303  # said again: taken as said
    other = filled(first, answer="2")
    assert client.post(first.action, data=other).status_code == 409
    assert client.post(f"{session}/answer/3", data=other).status_code == 403  # another question's key
    assert len(toy.answers()) == 1


@pytest.mark.parametrize(
    "change, status",
    [
        ({"answer": "9"}, 422),
        ({"answer": ""}, 422),
        ({"confidence": "6"}, 422),
        ({"confidence": ""}, 422),
        ({"key": "0" * 32}, 403),
        ({"key": ""}, 403),
    ],
)
def test_what_is_no_answer_is_refused(toy, client, change, status):
    session = begin(client)
    page = Page(client.get(session).text)
    refused = client.post(page.action, data=filled(page, **change))
    assert refused.status_code == status and f'href="{session}"' in refused.text
    told = client.post(page.action, data=filled(page, **change), headers=JSON)
    assert told.status_code == status and told.json()["next"] == session and told.json()["message"]
    assert not toy.answers()


def test_background_is_asked_once(tmp_path, lasting):
    with toy_study(tmp_path / "s", f"sqlite:///{tmp_path}/s.sqlite", background=BACKGROUND) as toy:
        client = browser(toy)
        session = begin(client)
        send = f"{session}/background"
        for wrong in ({"words": "x"}, {"training": "perhaps"}, {"training": "no", "age": "3"}):
            assert client.post(send, data=wrong).status_code == 422
        assert client.post(send, data={"training": "no"}, headers=JSON).json() == {"next": session}
        again = client.post(send, data={"training": "yes"}, headers=JSON)
        assert again.status_code == 409 and again.json()["error"] == "repeated"
        assert people(toy)[0].background == {"training": "no", "words": ""}


# ---- consent, recruiting, cookies


def test_nobody_begins_without_consenting(toy, client):
    assert client.post(TAKE, data={"width": "1280"}).status_code == 422
    assert not people(toy)


def test_one_browser_begins_once_and_finds_its_place(toy, client):
    session = begin(client)
    assert begin(client) == session and len(people(toy)) == 1
    assert client.get(TAKE).headers["location"] == session
    assert browser(toy).get(TAKE).status_code == 200  # another browser is asked
    fresh = client.get(f"{TAKE}?new=1")  # the next person at the same computer
    assert fresh.status_code == 200 and "Max-Age=0" in fresh.headers["set-cookie"]
    assert begin(client) != session and len(people(toy)) == 2


@pytest.mark.parametrize(
    "headers, expected",
    [
        ({}, "HttpOnly; SameSite=Lax"),
        ({"x-forwarded-proto": "https"}, "HttpOnly; SameSite=Lax; Secure"),
        ({"x-forwarded-proto": "https", "sec-fetch-dest": "iframe"}, "HttpOnly; SameSite=None; Secure; Partitioned"),
    ],
)
def test_the_cookie_stays_with_its_study(client, headers, expected):
    answer = client.post(TAKE, data={"consent": "yes"}, headers=headers)
    value, path, age, rest = answer.headers["set-cookie"].split("; ", 3)
    assert re.fullmatch(r"danqing-session=[\w-]{43}\.", value)
    assert (path, age, rest) == (f"Path={TAKE}", "Max-Age=86400", expected)


def test_recruiting_ids_are_carried_and_never_told(toy, client, caplog):
    caplog.set_level(logging.DEBUG)
    ids = {"PROLIFIC_PID": "pid-5f00", "STUDY_ID": "stu-77", "SESSION_ID": "ses-1"}
    page = Page(client.get(TAKE, params=ids).text)
    assert page.hidden == {**ids, "width": ""}
    first = client.post(page.action, data=page.hidden | {"consent": "yes"})
    session = first.headers["location"].removesuffix("/welcome")
    client.cookies.clear()
    assert begin(client, **ids) != session and len(people(toy)) == 1  # the same submission, in another browser
    client.cookies.clear()
    again = client.post(TAKE, data={"consent": "yes", **ids, "SESSION_ID": "ses-2"})
    assert again.status_code == 409 and "Everyone takes part once" in again.text
    assert people(toy)[0].recruited == "prolific"
    own = [record for record in caplog.records if not record.name.startswith("httpx")]  # those are the test's
    told = "".join(record.getMessage() for record in own) + str(first.headers)
    with toy.database.engine.connect() as connection:
        told += "".join(str(row) for row in connection.exec_driver_sql("SELECT * FROM participants"))
    assert not any(one in told for one in ids.values())


def test_somebody_else_at_the_same_computer_is_not_taken_for_the_first(client):
    first = {"workerId": "A1", "hitId": "H", "assignmentId": "X"}
    session = begin(client, **first)
    assert client.get(TAKE, params=first).headers["location"] == session
    assert client.get(TAKE, params=first | {"workerId": "A2"}).status_code == 200


@pytest.mark.parametrize("pid", ["{{%PROLIFIC_PID%}}", "a b", "<b>", "x" * 65, "é"])
def test_ids_of_no_platform_are_refused(toy, client, pid):
    assert client.get(TAKE, params={"PROLIFIC_PID": pid}).status_code == 422
    assert client.post(TAKE, data={"consent": "yes", "PROLIFIC_PID": pid}).status_code == 422
    assert not people(toy)


def test_a_preview_cannot_begin(toy, client):
    preview = {"assignmentId": "ASSIGNMENT_ID_NOT_AVAILABLE", "hitId": "H"}
    page = client.get(TAKE, params=preview)
    assert "preview" in page.text and "<form" not in page.text
    assert client.post(TAKE, data={"consent": "yes", **preview}).status_code == 422
    assert not people(toy)


# ---- withdrawal


def test_a_withdrawal_code_deletes_everything(toy, client):
    session = begin(client)
    code = Page(client.get(f"{session}/welcome").text).code
    answer_all(client, session)
    assert code in client.get(session).text  # told once more at the end
    assert client.get("/study/withdraw/toy").status_code == 200
    unknown = client.post("/study/withdraw/toy", data={"code": "AAAA-BBBB"})
    assert unknown.status_code == 404 and "No answers belong to this code" in unknown.text
    typed = f" {code.lower().replace('-', ' ')} "
    done = client.post("/study/withdraw/toy", data={"code": typed})
    assert done.status_code == 200 and "Max-Age=0" in done.headers["set-cookie"]
    assert not people(toy) and not toy.answers()
    assert client.get(session).status_code == 404
    assert client.get(TAKE).status_code == 200


# ---- languages


def test_both_languages_say_everything():
    def fields(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    english, chinese = TEXTS["en"], TEXTS["zh"]
    assert set(english) == set(chinese)
    assert not [key for key in english if fields(english[key]) != fields(chinese[key])]
    assert not [key for key in english if not english[key].strip() or not re.search("[\u4e00-\u9fff]", chinese[key])]


def test_every_text_is_used_and_every_used_text_exists():
    files = [*FOLDER.glob("*.py"), *FOLDER.glob("templates/*.html")]
    source = "".join(file.read_text() for file in files if file.name != "texts.py" and "organiser" not in file.name)
    built = {"refused_": STATUS, "welcome_": ("choose_generated", "is_real", "more_real")}
    built |= {
        "ask_": built["welcome_"],
        "feedback_": ("choose_generated", "more_real", "is_real_real", "is_real_generated"),
    }
    names = {f"{start}{end}" for start, ends in built.items() for end in ends} | {"real", "generated"}
    assert names <= set(TEXTS["en"])
    assert not [key for key in set(TEXTS["en"]) - names if not re.search(f"""["']{key}["']""", source)]
    used = set(re.findall(r"""\bt\(["'](\w+)["'][,)]""", source))
    assert used <= set(TEXTS["en"])


@pytest.mark.parametrize(
    "address, accepted, tag",
    [
        ("", "zh-CN,zh;q=0.9,en;q=0.8", "zh-Hans"),
        ("", "fr, zh;q=0.2, en;q=0.7", "en"),
        ("", "de", "en"),
        ("", "zh;q=0, en;q=0.1", "en"),
        ("", "zh;q=x,,;q=", "en"),
        ("?lang=zh", "en", "zh-Hans"),
        ("?lang=xx", "zh", "zh-Hans"),
    ],
)
def test_the_language_is_asked_for_or_the_browsers(client, address, accepted, tag):
    page = client.get(TAKE + address, headers={"accept-language": accepted}).text
    assert f'<html lang="{tag}">' in page and ("图画" in page) == (tag == "zh-Hans")


def test_a_session_keeps_its_language(toy, client):
    page = Page(client.get(f"{TAKE}?lang=zh").text)
    assert page.action == f"{TAKE}?lang=zh"
    session = client.post(page.action, data={"consent": "yes"}).headers["location"].removesuffix("/welcome")
    assert people(toy)[0].language == "zh" and "?" not in session
    assert "哪一幅图" in client.get(session, headers={"accept-language": "en"}).text
    asked = client.get(f"{session}?lang=en")
    assert "Which picture" in asked.text and "?lang=en" in Page(asked.text).action
    refused = client.post(f"{session}/answer/0", data={"key": "x"}, headers={"accept-language": "en"})
    assert "此答案不属于向您显示的页面" in refused.text


def test_a_study_in_one_language_offers_no_other(tmp_path, lasting):
    with toy_study(tmp_path / "s", f"sqlite:///{tmp_path}/s.sqlite", languages=("zh",), title={"zh": "图画"}) as toy:
        client = browser(toy)
        page = client.get(f"{TAKE}?lang=en").text
        assert '<html lang="zh-Hans">' in page and "hreflang" not in page
        assert "图画" in client.get("/study/", headers={"accept-language": "en"}).text


def test_the_other_language_keeps_who_was_sent(client):
    page = client.get(f"{TAKE}?PROLIFIC_PID=p1&lang=en").text
    assert 'href="?PROLIFIC_PID=p1&amp;lang=zh"' in page


# ---- refusals and errors


def test_every_reason_has_a_status_and_a_sentence():
    named = set(re.findall(r'"(\w+)"', Refused.__doc__))
    assert named == set(STATUS)
    assert all(f"refused_{reason}" in TEXTS["en"] for reason in named)


def test_a_closed_study_takes_nobody_new_and_lets_others_finish(toy, client):
    session = begin(client)
    toy.catalogue.set_state(toy.study, "closed")
    stranger = browser(toy)
    assert stranger.get(TAKE).status_code == 410
    assert stranger.post(TAKE, data={"consent": "yes"}).status_code == 410
    assert "toy" not in stranger.get("/study/").text
    assert client.get(TAKE).headers["location"] == session
    assert answer_all(client, session)[-1].code


def test_an_old_session_is_over(toy, client, monkeypatch):
    session = begin(client)
    page = Page(client.get(session).text)
    later = now() + timedelta(hours=25)
    monkeypatch.setattr("study.sessions.now", lambda: later)
    assert client.get(session).status_code == 410
    assert client.post(page.action, data=filled(page), headers=JSON).json()["error"] == "expired"
    assert client.get(TAKE).status_code == 200


@pytest.mark.parametrize(
    "path, status",
    [
        ("/study/take/other", 404),
        ("/study/withdraw/other", 404),
        ("/study/take/other/token", 404),
        ("/study/take/toy/token", 404),
        ("/study/take/toy/token/picture/0/0", 404),
        ("/study/take/toy/token/picture/x/0", 422),
        ("/study/nothing", 404),
        ("/study/organiser", 404),
        ("/study/organiser/toy", 404),
        ("/study/docs", 404),
        ("/study/openapi.json", 404),
        ("/study/static/nothing.css", 404),
        ("/study/static/../texts.py", 404),
        ("/study/static/%2e%2e/texts.py", 404),
    ],
)
def test_what_does_not_exist_says_so(client, path, status):
    for language, words in (("en", "That did not work"), ("zh", "未能完成")):
        answer = client.get(path, headers={"accept-language": language})
        assert answer.status_code == status and words in answer.text


@pytest.mark.parametrize(
    "options, status",
    [
        ({"json": {"consent": "yes"}}, 422),
        ({"files": {"consent": ("a.txt", b"yes")}}, 422),
        ({"content": b"consent=yes", "headers": {"content-type": "text/plain"}}, 422),
        ({"content": b"consent=%ff%fe"}, 422),
        ({"content": b"consent=\xff"}, 422),
        ({"content": b"consent=yes&consent=yes"}, 422),
        ({"content": b"&".join(b"a%d=1" % i for i in range(200))}, 422),
        ({"content": b"consent=yes&x=" + b"y" * MOST_BYTES}, 413),
        ({"content": iter([b"consent=yes&x=", *[b"y" * 1000] * 70])}, 413),  # its length is not told beforehand
    ],
)
def test_forms_that_cannot_be_read_are_refused(toy, client, options, status):
    urlencoded = {"content-type": "application/x-www-form-urlencoded"} if "content" in options else {}
    assert client.post(TAKE, **{"headers": urlencoded} | options).status_code == status
    assert not people(toy)


def test_a_lost_database_is_said_and_retried(toy, client, monkeypatch):
    session = begin(client)
    page = Page(client.get(session).text)
    with monkeypatch.context() as broken:
        error = sa.exc.OperationalError("INSERT secret", {}, Exception("locked"))
        broken.setattr(toy.database, "writing", lambda: (_ for _ in ()).throw(error))
        answer = client.post(page.action, data=filled(page))
    assert answer.status_code == 503 and answer.headers["retry-after"] == "2"
    assert "could not save this just now" in answer.text and "secret" not in answer.text
    assert client.post(page.action, data=filled(page)).status_code == 303 and len(toy.answers()) == 1


def test_a_fault_of_ours_tells_nothing_of_itself(toy, client, monkeypatch):
    monkeypatch.setattr(toy.catalogue, "names", lambda: 1 / 0)
    answer = client.get("/study/")
    assert answer.status_code == 500 and "ZeroDivisionError" not in answer.text
    assert "on our side" in answer.text and "content-security-policy" in answer.headers


# ---- headers and links


def test_every_response_carries_the_headers(toy, client):
    session = begin(client)
    page = Page(client.get(session).text)
    answers = [
        client.get("/study/"),
        client.get(session),
        client.get(page.pictures[0]),
        client.post(page.action, data=filled(page)),
        client.post(page.action, data={"key": "x"}),
        client.get("/study/nothing"),
        client.put("/study/"),
        client.get("/study/static/study.css"),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 303, 403, 404, 405, 200]
    for answer in answers:
        policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
        assert policy["default-src"] == "'none'" and policy["script-src"] == "'self'" == policy["style-src"]
        assert policy["frame-ancestors"].startswith("'self' ") and "unsafe" not in str(policy)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert all(answer.headers["cache-control"].startswith("no-store") for answer in answers[:-1])
    assert "immutable" in answers[-1].headers["cache-control"]


def test_head_is_answered_where_get_is(client):
    session = begin(client)
    picture = Page(client.get(session).text).pictures[0]
    for path in ("/study/", f"{session}/welcome", "/study/withdraw/toy", session, picture):
        head, got = client.head(path), client.get(path)
        assert head.status_code == got.status_code == 200
        assert head.headers["content-type"] == got.headers["content-type"]


def test_nothing_is_inline(client):
    """The policy would block it, and the page would silently lose it."""
    session = begin(client)
    for path in ("/study/", TAKE + "?new=1", f"{session}/welcome", session, "/study/withdraw/toy"):
        text = client.get(path).text
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:|<script(?! src=)", text)
        assert not re.search(r"""(?:src|href|action)=["'](?:https?:)?//""", text)


def test_links_keep_a_proxys_prefix(toy):
    client = TestClient(mounted(toy), root_path="/behind/proxy", follow_redirects=False)
    page = client.get("/behind/proxy/study/take/toy")
    assert page.status_code == 200 and Page(page.text).action == "/behind/proxy/study/take/toy"
    assert 'src="/behind/proxy/study/static/study.js?v=' in page.text
    location = client.post("/behind/proxy/study/take/toy", data={"consent": "yes"}).headers["location"]
    assert location.startswith("/behind/proxy/study/take/toy/")


def test_what_an_organiser_wrote_is_text(tmp_path, lasting):
    title = {"en": "<i>A&B</i>", "zh": "图"}
    consent = {"en": "One\n\n<script>alert(1)</script>", "zh": "一"}
    with toy_study(tmp_path / "s", f"sqlite:///{tmp_path}/s.sqlite", title=title, consent=consent) as toy:
        page = browser(toy).get(TAKE).text
        assert "&lt;i&gt;A&amp;B&lt;/i&gt;" in page and "&lt;script&gt;alert" in page
        assert "<i>" not in page and "<script>alert" not in page


def test_demonstrations_are_labelled(tmp_path):
    with toy_study(tmp_path / "s", f"sqlite:///{tmp_path}/s.sqlite", demo=True) as toy:
        client = browser(toy)
        assert "Demonstration" in client.get("/study/").text and "Demonstration" in client.get(TAKE).text
        session = begin(client)
        answer_all(client, session)
        assert f'href="{TAKE}?new=1"' in client.get(session).text  # who tries it may try again
