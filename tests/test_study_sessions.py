"""Taking part, without HTTP: every answer once, in order, in time, by its own person; on SQLite and PostgreSQL."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa

from study import sessions as module
from study.identity import keyed_hash, load_key
from study.places import Asked, Background, Finished
from study.plan import BackgroundQuestion, Block
from study.sessions import Begun, Recruit, Refused
from study.tables import AnswerRow, EventRow, OutboxRow, ParticipantRow, ShownRow, StudyRow
from study_fixtures import TITLE, Toy, toy_study

pytest_plugins = ("study_fixtures",)


@pytest.fixture
def both(tmp_path, lasting, database_url):
    """A study of four questions after one of practice, on each kind of database."""
    with toy_study(tmp_path / "studies", database_url) as toy:
        yield toy


def fill(place: Asked, **changes) -> dict:
    return {"key": place.key, "answer": place.answers[0], "confidence": "3", "seconds": "1.5"} | changes


def finish(toy: Toy, access: str) -> Finished:
    while isinstance(place := toy.sessions.place(toy.study, access), Asked):
        toy.sessions.answer(toy.study, access, place.index, fill(place, answer=place.told or place.answers[0]))
    assert isinstance(place, Finished)
    return place


def count(toy: Toy, table: type) -> int:
    with toy.database.reading() as session:
        return session.scalars(sa.select(sa.func.count()).select_from(table)).one()


def refusal(function, *arguments) -> str:
    with pytest.raises(Refused) as refused:
        function(*arguments)
    return refused.value.reason


def later(monkeypatch, **time) -> None:
    """Let the study's clock run ahead."""
    real = module.now
    monkeypatch.setattr(module, "now", lambda: real() + timedelta(**time))


def test_from_consent_to_code(both):
    begun = both.sessions.begin(both.study, "en")
    end = finish(both, begun.access)
    assert len(end.code) == 10 and end.asked == 4 and end.expected == 1.0 and 0 <= end.right <= 4
    assert count(both, AnswerRow) == 5
    assert both.sessions.place(both.study, begun.access) == end  # as often as asked


def test_an_answer_survives_the_process(both):
    begun = both.sessions.begin(both.study, "en")
    place = both.sessions.place(both.study, begun.access)
    both.sessions.answer(both.study, begun.access, place.index, fill(place))
    both.database.close()  # nothing is kept in memory
    assert both.sessions.place(both.study, begun.access).index == place.index + 1


def test_the_same_answer_sent_again_counts_once(both):
    begun = both.sessions.begin(both.study, "en")
    place = both.sessions.place(both.study, begun.access)
    for _ in range(3):
        both.sessions.answer(both.study, begun.access, place.index, fill(place))
    assert count(both, AnswerRow) == 1 and count(both, EventRow) == 2


def test_answers_sent_at_once_count_once(both):
    """Twenty copies of one answer on twenty threads."""
    begun = both.sessions.begin(both.study, "en")
    place = both.sessions.place(both.study, begun.access)
    with ThreadPoolExecutor(20) as pool:
        sent = [pool.submit(both.sessions.answer, both.study, begun.access, 0, fill(place)) for _ in range(20)]
    assert all(one.exception() is None for one in sent)
    assert count(both, AnswerRow) == 1


def test_different_answers_sent_at_once_store_one(both):
    begun = both.sessions.begin(both.study, "en")
    place = both.sessions.place(both.study, begun.access)
    given = [fill(place, answer=answer) for answer in place.answers]
    with ThreadPoolExecutor(4) as pool:
        sent = [pool.submit(both.sessions.answer, both.study, begun.access, 0, one) for one in given]
    reasons = sorted(one.exception().reason for one in sent if one.exception())
    assert reasons == ["changed"] * 3 and count(both, AnswerRow) == 1


def test_people_who_come_at_once_get_numbers_of_their_own(both):
    with ThreadPoolExecutor(16) as pool:
        begun = list(pool.map(lambda _: both.sessions.begin(both.study, "en"), range(40)))
    with both.database.reading() as session:
        numbers = session.scalars(sa.select(ParticipantRow.number)).all()
    assert sorted(numbers) == list(range(40)) and len({one.access for one in begun}) == 40


def test_a_person_sent_twice_at_once_is_entered_once(both):
    recruit = Recruit("prolific", "person", "submission")
    with ThreadPoolExecutor(8) as pool:
        sent = [pool.submit(both.sessions.begin, both.study, "en", recruit) for _ in range(8)]
    assert count(both, ParticipantRow) == 1
    for one in sent:
        assert isinstance(one.exception() or one.result(), (Begun, Refused))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"key": "0" * 32}, "forged"),
        ({"key": ""}, "forged"),
        ({"answer": "5"}, "malformed"),
        ({"answer": "real"}, "malformed"),
        ({"answer": ""}, "malformed"),
        ({"confidence": ""}, "malformed"),
        ({"confidence": "6"}, "malformed"),
        ({"confidence": "٣"}, "malformed"),  # a digit, but none of ours
    ],
)
def test_forged_and_malformed_answers_are_refused_and_noted(toy, changes, reason):
    begun = toy.sessions.begin(toy.study, "en")
    place = toy.sessions.place(toy.study, begun.access)
    assert refusal(toy.sessions.answer, toy.study, begun.access, 0, fill(place, **changes)) == reason
    assert count(toy, AnswerRow) == 0
    with toy.database.reading() as session:
        assert session.scalars(sa.select(EventRow.kind)).all() == [reason]


@pytest.mark.parametrize("seconds", ["", "nan", "inf", "-1", "1e9", "soon"])
def test_a_browser_that_tells_no_sensible_time_loses_no_answer(toy, seconds):
    begun = toy.sessions.begin(toy.study, "en")
    toy.sessions.answer(toy.study, begun.access, 0, fill(toy.sessions.place(toy.study, begun.access), seconds=seconds))
    (stored,) = toy.answers()
    assert stored["seconds"] is None and stored["server_seconds"] >= 0


def test_answers_out_of_order_are_refused(toy):
    begun = toy.sessions.begin(toy.study, "en")
    with toy.database.reading() as session:
        keys = session.scalars(sa.select(ShownRow.key).order_by(ShownRow.index)).all()
    ahead = {"key": keys[2], "answer": "1", "confidence": "1"}
    assert refusal(toy.sessions.answer, toy.study, begun.access, 2, ahead) == "early"
    assert refusal(toy.sessions.answer, toy.study, begun.access, 99, ahead) == "malformed"
    unseen = {"key": keys[0], "answer": "1", "confidence": "1"}  # the first question, before its page was asked for
    assert refusal(toy.sessions.answer, toy.study, begun.access, 0, unseen) == "early"


def test_there_is_no_way_back(toy):
    begun = toy.sessions.begin(toy.study, "en")
    first = toy.sessions.place(toy.study, begun.access)
    toy.sessions.answer(toy.study, begun.access, 0, fill(first))
    toy.sessions.place(toy.study, begun.access)
    assert refusal(toy.sessions.answer, toy.study, begun.access, 0, fill(first, answer="2")) == "changed"
    assert refusal(toy.sessions.picture, toy.study, begun.access, 0, 0) == "early"


def test_only_the_pictures_of_the_question_at_hand_are_given_out(toy):
    begun = toy.sessions.begin(toy.study, "en")
    place = toy.sessions.place(toy.study, begun.access)
    assert len({toy.sessions.picture(toy.study, begun.access, 0, i) for i in range(place.pictures)}) == 4
    assert refusal(toy.sessions.picture, toy.study, begun.access, 0, 4) == "early"
    assert refusal(toy.sessions.picture, toy.study, begun.access, 1, 0) == "early"
    assert refusal(toy.sessions.picture, toy.study, "x" * 43, 0, 0) == "unknown"


def test_one_persons_key_is_no_good_to_another(toy):
    begun = [toy.sessions.begin(toy.study, "en") for _ in range(2)]
    places = [toy.sessions.place(toy.study, one.access) for one in begun]
    assert refusal(toy.sessions.answer, toy.study, begun[0].access, 0, fill(places[1])) == "forged"


def test_a_question_closes_when_its_time_is_over(tmp_path, lasting, database_url, monkeypatch):
    with toy_study(tmp_path / "s", database_url, question_seconds=20, practice=0) as toy:
        begun = toy.sessions.begin(toy.study, "en")
        place = toy.sessions.place(toy.study, begun.access)
        assert 0 < place.seconds_left <= 20
        later(monkeypatch, seconds=24)  # within the grace
        assert toy.sessions.place(toy.study, begun.access).seconds_left == 0
        later(monkeypatch, seconds=3)
        assert refusal(toy.sessions.answer, toy.study, begun.access, 0, fill(place)) == "late"
        following = toy.sessions.place(toy.study, begun.access)
        assert following.index == 1 and following.seconds_left > 19
        assert count(toy, AnswerRow) == 0
        assert refusal(toy.sessions.answer, toy.study, begun.access, 0, fill(place)) == "late"


def test_someone_whose_last_question_ran_out_still_gets_a_code(tmp_path, lasting, database_url, monkeypatch):
    with toy_study(tmp_path / "s", database_url, question_seconds=20, practice=0, blocks=(Block(count=1),)) as toy:
        begun = toy.sessions.begin(toy.study, "en")
        toy.sessions.place(toy.study, begun.access)
        later(monkeypatch, seconds=60)
        end = toy.sessions.place(toy.study, begun.access)
        assert isinstance(end, Finished) and end.code and end.asked == 0


def test_a_session_expires(toy, monkeypatch):
    begun = toy.sessions.begin(toy.study, "en")
    later(monkeypatch, hours=25)
    assert refusal(toy.sessions.place, toy.study, begun.access) == "expired"


def test_a_finished_session_can_be_looked_at_for_ever(toy, monkeypatch):
    begun = toy.sessions.begin(toy.study, "en")
    end = finish(toy, begun.access)
    later(monkeypatch, days=400)
    assert toy.sessions.place(toy.study, begun.access) == end


def test_a_closed_study_takes_nobody_new_but_lets_people_finish(both):
    begun = both.sessions.begin(both.study, "en")
    both.catalogue.set_state(both.study, "closed")
    assert refusal(both.sessions.begin, both.study, "en") == "closed"
    assert finish(both, begun.access).code
    assert count(both, OutboxRow) == 1


def test_a_platforms_person_goes_on_where_they_were(both):
    recruit = Recruit("prolific", "person", "submission")
    begun = both.sessions.begin(both.study, "en", recruit)
    place = both.sessions.place(both.study, begun.access)
    both.sessions.answer(both.study, begun.access, 0, fill(place))
    again = both.sessions.begin(both.study, "en", recruit)
    assert both.sessions.place(both.study, again.access).index == 1
    assert refusal(both.sessions.place, both.study, begun.access) == "unknown"  # the other window
    assert refusal(both.sessions.begin, both.study, "en", Recruit("prolific", "person", "other")) == "taken"
    assert both.sessions.begin(both.study, "en", Recruit("mturk", "person", "submission")).withdrawal


def test_a_platforms_ids_are_not_stored(both):
    both.sessions.begin(both.study, "en", Recruit("prolific", "5f1e2d3c4b5a69788796a5b4", "submission-77"))
    with both.database.engine.connect() as connection:
        stored = str(
            [connection.execute(sa.text(f"SELECT * FROM {t}")).all() for t in ("participants", "shown", "events")]
        )
    assert "5f1e2d3c4b5a69788796a5b4" not in stored and "submission-77" not in stored


def test_keyed_hashes_need_the_key_and_differ_by_study(tmp_path, monkeypatch):
    monkeypatch.delenv("DANQING_STUDY_KEY", raising=False)
    key = load_key(tmp_path)
    assert load_key(tmp_path) == key and (tmp_path / "secret.key").stat().st_mode & 0o077 == 0
    hashes = {keyed_hash(key, "a", "me"), keyed_hash(key, "b", "me"), keyed_hash(b"x" * 32, "a", "me")}
    assert len(hashes) == 3
    monkeypatch.setenv("DANQING_STUDY_KEY", "short")
    with pytest.raises(ValueError, match="at least 32 characters"):
        load_key(tmp_path)


def test_withdrawal_deletes_everything_of_one_person(both):
    begun = [both.sessions.begin(both.study, "en") for _ in range(2)]
    for one in begun:
        place = both.sessions.place(both.study, one.access)
        both.sessions.answer(both.study, one.access, 0, fill(place))
        both.sessions.answer(both.study, one.access, 0, fill(place))  # leaves an event
    both.sessions.withdraw(both.study, f" {begun[0].withdrawal} ")
    assert [count(both, table) for table in (ParticipantRow, ShownRow, AnswerRow, EventRow)] == [1, 5, 1, 1]
    assert refusal(both.sessions.place, both.study, begun[0].access) == "unknown"
    assert refusal(both.sessions.withdraw, both.study, begun[0].withdrawal) == "unknown"
    assert both.sessions.place(both.study, begun[1].access).index == 1
    with both.database.reading() as session:
        assert session.scalars(sa.select(OutboxRow.kind)).all() == ["withdrawn"]


def test_withdrawn_answers_are_not_left_in_the_file(tmp_path, lasting):
    """What SQLite deletes it overwrites, in the log of writes too."""
    question = BackgroundQuestion("words", TITLE)
    with toy_study(tmp_path / "s", f"sqlite:///{tmp_path}/s.sqlite", background=(question,)) as toy:
        begun = toy.sessions.begin(toy.study, "en")
        toy.sessions.background(toy.study, begun.access, {"words": "a sentence to be forgotten"})

        def held() -> bool:
            return any(b"to be forgotten" in file.read_bytes() for file in tmp_path.glob("s.sqlite*"))

        assert held()
        toy.sessions.withdraw(toy.study, begun.withdrawal)
        assert not held()


def test_background_questions_are_asked_once_and_checked(tmp_path, lasting, database_url):
    art = BackgroundQuestion("art", TITLE, {"yes": TITLE, "no": TITLE}, required=True)
    with toy_study(tmp_path / "s", database_url, background=(art, BackgroundQuestion("words", TITLE))) as toy:
        access = toy.sessions.begin(toy.study, "en").access
        assert toy.sessions.place(toy.study, access) == Background("en")
        for wrong in ({}, {"art": "maybe"}, {"art": "yes", "other": "x"}):
            assert refusal(toy.sessions.background, toy.study, access, wrong) == "malformed"
        toy.sessions.background(toy.study, access, {"art": "yes", "words": "<b>" + "x" * 1000})
        assert refusal(toy.sessions.background, toy.study, access, {"art": "no"}) == "repeated"
        with toy.database.reading() as session:
            (stored,) = session.scalars(sa.select(ParticipantRow.background)).all()
        assert stored["art"] == "yes" and len(stored["words"]) == 500
        assert finish(toy, access).code


def test_practice_tells_the_right_answer_and_nothing_else_does(toy):
    begun = toy.sessions.begin(toy.study, "en")
    assert refusal(toy.sessions.feedback, toy.study, begun.access, 0) == "early"
    place = toy.sessions.place(toy.study, begun.access)
    assert place.practice
    toy.sessions.answer(toy.study, begun.access, 0, fill(place))
    told = toy.sessions.feedback(toy.study, begun.access, 0)
    assert told.correct == (told.right == "1")
    following = toy.sessions.place(toy.study, begun.access)
    toy.sessions.answer(toy.study, begun.access, 1, fill(following))
    assert refusal(toy.sessions.feedback, toy.study, begun.access, 1) == "early"


def test_a_fixed_code_and_a_return_link(toy):
    toy.catalogue.set_recruiting(toy.study, "https://example.org/done?cc={code}", "ALL-THE-SAME")
    end = finish(toy, toy.sessions.begin(toy.study, "en").access)
    assert end.code == "ALL-THE-SAME" and end.return_link == "https://example.org/done?cc=ALL-THE-SAME"


@pytest.mark.parametrize(
    "link", ["http://example.org/{code}", "https://example.org/", "javascript:{code}", 'https://a/{code}"<']
)
def test_a_return_link_must_be_one(toy, link):
    with pytest.raises(ValueError, match="return link starts with https"):
        toy.catalogue.set_recruiting(toy.study, link)


def test_a_script_cannot_fill_the_log(toy, monkeypatch):
    monkeypatch.setattr(module, "_EVENTS_A_PERSON", 3)
    begun = toy.sessions.begin(toy.study, "en")
    for _ in range(10):
        assert refusal(toy.sessions.answer, toy.study, begun.access, 0, {"key": "no"}) == "forged"
    assert count(toy, EventRow) == 3


def test_numbers_are_never_given_twice(toy):
    first = toy.sessions.begin(toy.study, "en")
    toy.sessions.withdraw(toy.study, first.withdrawal)
    toy.sessions.begin(toy.study, "en")
    with toy.database.reading() as session:
        assert session.scalars(sa.select(ParticipantRow.number)).all() == [1]
        assert session.scalars(sa.select(StudyRow.next_number)).all() == [2]
