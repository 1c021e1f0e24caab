"""How people ask: frames of spoken questions, filled with a corpus' phrases; builds no model.

Documents are statements, so a model of their sentences alone expects no "how much is" or "can i
bring". The frames are general English, written without any question file at hand; `_` is where a
phrase goes.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

SLOT: Final = "_"

_FRAMES: Final = """
what is _ ; what is the _ ; what are _ ; what are the _ ; what's the _ ; what was the _
what were the _ ; what kind of _ is there ; what kind of _ do you have ; what sort of _ can i _
what type of _ is it ; what time does the _ open ; what time does the _ close
what time does the _ start ; what time does _ begin ; what time is the _ ; what time is _
what time do you _ ; what time can i _ ; what time do i have to _ ; what day is the _
what days is the _ open ; what days are you open ; what date does the _ start
what happens if i _ ; what happens to the _ ; what happens when the _ ; what should i do if the _
what should i bring ; what should i wear ; what do i need to _ ; what do i do with the _
what do i do if _ ; what can i _ ; what can you see from the _ ; what can you tell me about _
what does the _ cost ; what does it cost to _ ; what does _ mean ; what number do i call
what is it called ; what did _ do ; what year was the _ built ; what year did _
what color is the _ ; what colour is the _ ; what animals live _ ; when is the _ ; when is _
when are _ ; when are the _ ; when does the _ open ; when does the _ close ; when does the _
when does it _ ; when do you _ ; when do i _ ; when can i _ ; when can we _ ; when should i _
when was the _ built ; when was the _ opened ; when was the _ founded ; when was _
when were the _ ; when did the _ ; when will the _ ; when did it _
when is the best time to see the _ ; when is the last _ ; when is the next _ ; where is the _
where is _ ; where are the _ ; where are _ ; where can i _ ; where can i find the _
where can i get _ ; where can i park ; where can i buy _ ; where can i leave my _ ; where can we _
where do i _ ; where do you _ ; where do we _ ; where does the _ ; where did the _
where does it _ ; where should i _ ; where was _ ; where is the nearest _ ; where is it
where are you ; where do the _ live ; where do they _ ; where were the _ ; who is the _ ; who is _
who are the _ ; who was the _ ; who was _ ; who built the _ ; who founded the _ ; who made the _
who runs the _ ; who owns the _ ; who designed the _ ; who do i call about the _ ; who wrote the _
who discovered the _ ; who can _ ; who should i _ ; who looks after the _ ; who lives in the _
who do i ask for _ ; whose _ is it ; which _ goes to the _ ; which _ is the _ ; which _ can i _
which _ are _ ; which _ has a _ ; which _ do i _ ; which day is the _ ; which days are you closed
which bus goes to _ ; which is the best _ ; why is the _ ; why is it called _ ; why are the _
why was the _ ; why did the _ ; why do the _ ; why can't i _ ; how much is the _ ; how much is a _
how much is it ; how much is _ ; how much are the _ ; how much are _ ; how much does the _ cost
how much does a _ cost ; how much does it cost to _ ; how much do i have to pay for _
how much do you charge for _ ; how much would it be ; how much for a _ ; how much _ can i _
how much does it weigh ; how many _ are there ; how many _ are in the _
how many _ does the _ have ; how many _ can i _ ; how many _ do you have ; how many people can _
how many _ did the _ ; how many _ were there ; how many times did _ ; how many steps
how long is the _ ; how long is _ ; how long does the _ take ; how long does it take to _
how long can i _ ; how long are the _ ; how long do i have to _ ; how long before the _
how long was the _ ; how long does the _ last ; how long will it take ; how far is the _
how far is it to the _ ; how far is it from the _ to the _ ; how far away is the _
how far ahead do i have to _ ; how old is the _ ; how old do you have to be to _
how old must _ be ; how old are the _ ; how old was _ ; how old do _ have to be
how tall is the _ ; how high is the _ ; how deep is the _ ; how big is the _ ; how wide is the _
how fast does the _ ; how heavy is the _ ; how often does the _ ; how often do the _
how often is the _ ; how late is the _ open ; how early can i _ ; how soon can i _
how hot is the _ ; how cold is the _ ; how warm is the _ ; how do i get to the _
how do i get there ; how do i _ ; how do i book a _ ; how do i use the _ ; how do i turn on the _
how do i turn off the _ ; how do you _ ; how do we _ ; how can i _ ; how can i get to _
how can i contact the _ ; how is the _ ; how does the _ work ; how did the _ ; how was the _
how should i _ ; how are the _ ; how would i _ ; how safe is the _ ; how strong is the _
how close can i _ ; how bright is the _ ; can i _ ; can i bring my _ ; can i bring a _
can i take my _ ; can i take _ ; can i see the _ ; can i buy _ ; can i book a _ ; can i get a _
can i use the _ ; can i pay by card ; can i have a _ ; can i rent a _ ; can i stay _
can i park _ ; can i go _ ; can i eat _ ; can we _ ; can we visit the _ ; can we get into the _
can you _ ; can you see the _ ; can you tell me about the _ ; can you tell me _ ; can children _
can my children _ ; can my dog _ ; can the _ ; can a wheelchair _ ; can people _ ; can visitors _
could i _ ; could we _ ; could you tell me when the _ ; could you tell me where the _ is
could you tell me how much the _ is ; is the _ open ; is the _ free ; is the _ ; is there a _
is there a _ in the _ ; is there any _ ; is there _ ; is it _ ; is it possible to _
is it allowed to _ ; is it safe to _ ; is it free ; is it open on _ ; is my _
is anyone allowed to _ ; is _ allowed ; is _ free ; are there any _ ; are there _
are there _ in the _ ; are the _ open ; are the _ ; are _ allowed ; are _ allowed in the _
are you open on _ ; are you open _ ; are children allowed ; are we allowed to _ ; was the _
was there a _ ; were there any _ ; do i need a _ ; do i need to book ; do i need to _
do i have to _ ; do i have to pay for _ ; do i get a _ ; do you have a _ ; do you have any _
do you sell _ ; do you take _ ; do you accept _ ; do you offer _ ; do you allow _ ; do you serve _
do we have to _ ; do we need _ ; do children _ ; do the _ ; do they _ ; do _ get a discount
do _ pay ; does the _ have a _ ; does the _ ; does it _ ; does a _ ; does the _ serve _
does the _ cost _ ; did the _ ; did anyone _ ; did they _ ; has the _ ; has it ever been _
have the _ ; will the _ ; will there be _ ; would i _ ; should i _ ; may i _ ; may we _ ; must i _
am i allowed to _ ; i'd like to know when the _ ; i would like to know about the _
tell me about the _ ; tell me about _ ; please tell me how to _ ; i lost my _ what should i do
my _ is not working ; the _ does not work what do i do ; i want to _ ; i need a _ ; if i _ can i _
if the _ what should i do ; if i cancel do i get my money back ; in what year was the _
at what time does the _ ; on which days is the _
"""

# Words that do not begin or end a phrase; closed classes of English.
_CLOSED_CLASSES: Final = """
a an the this that these those and or but nor so yet if when while because since although though as
than then of in on at by to from with without for into onto over under up down out off about after
before between during through until within across along around behind beside beyond near per is are
was were be been being am do does did done has have had having will would shall should can could may
might must not no only also very too more most less least much many each every all any both some
such own same other another there here it its it's he him his she her they them their we us our you
your i me my who whom whose which what where why how just even still ever never always often once
again p.m. a.m.
"""
_FUNCTION_WORDS: Final = frozenset(_CLOSED_CLASSES.split())
_LONGEST_PHRASE: Final = 3
_FRAMES_EACH: Final = 5  # a phrase needs a few neighbours, not every one


def frames() -> list[list[str]]:
    """Every frame as words, with SLOT for a phrase."""
    return [frame.split() for frame in re.split("[;\n]", _FRAMES) if frame.strip()]


def phrases_of(sentence: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Runs of one to three content words: "the old pump house" gives "old", "old pump house", ...
    .
    """
    for start, first in enumerate(sentence):
        if first in _FUNCTION_WORDS:
            continue
        for length in range(1, _LONGEST_PHRASE + 1):
            run = tuple(sentence[start : start + length])
            if len(run) < length or run[-1] in _FUNCTION_WORDS:
                break
            yield run


def questions_about(phrases: Iterable[tuple[str, ...]]) -> Iterator[list[str]]:
    """Every frame once and more: each phrase in the next few frames, slot by slot, in a fixed
    order.
    """
    shapes = frames()
    filled = [list(phrase) for phrase in phrases]
    if not filled:
        yield from ([word for word in shape if word != SLOT] for shape in shapes)
        return
    turns = max(len(filled) * _FRAMES_EACH, len(shapes))
    next_phrase = 0
    for turn in range(turns):
        question: list[str] = []
        for word in shapes[turn % len(shapes)]:
            if word == SLOT:
                question += filled[next_phrase % len(filled)]
                next_phrase += 1
            else:
                question.append(word)
        yield question
