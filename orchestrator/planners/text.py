"""Cutting sentences into clauses and search words. Pure; no word of the text is lost or changed."""

import re
from collections import Counter


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


CLAUSE_WORDS = _words(
    """
    with while as where when and but because so then before after until although though which who
    """
)
STOPWORDS = _words(
    """
    a an the this that these those some any each every no not never ever only just very too so quite rather
    almost and or but nor yet if then than because while as where when until although though which who whom
    whose what how why of in on at by for from to into onto over under above below between among through across
    along around about against with without within upon off up down out near after before during since is are
    was were be been being am do does did done have has had having will would shall should can could may might
    must it its he she they them their his her hers him we us our ours you your yours i me my mine there here s
    t re ll ve d m one ones thing things something nothing everything lot lots more most less least much many
    few same such own other others another again once still also even really actually simply always often
    sometimes perhaps maybe like get gets got make makes made let lets go goes going come comes came take takes
    took keep keeps kept say says said know knows know see sees seen look looks today now tomorrow yesterday
    nobody somebody anybody everybody else
    """
)
# True of any picture, so they find nothing in particular.
WEAK = _words(
    """
    beautiful amazing awesome wonderful stunning nice great good best better perfect lovely gorgeous incredible
    breathtaking spectacular magnificent majestic new old big small little first last next long short whole full
    real true simple easy important different one two three four five six seven eight nine ten
    eleven twelve twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion second
    third half metres meters miles feet kilometres kilometers percent times
    """
)
INSTRUCTION = re.compile(
    r"^(?:please\s+)?(?:can you\s+|could you\s+)?(?:make|create|generate|produce|render|film|show)\s+(?:me\s+|us\s+)?"
    r"(?:an?\s+|the\s+)?(?:[\w-]+\s+){0,3}?(?:video|clip|film|movie|short|reel|animation)\s+"
    r"(?:about|of|on|showing|that shows|with|for|explaining)\s+",
    re.IGNORECASE,
)
WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*", re.UNICODE)


def clause_starts(words: list[str], shortest: int = 3) -> list[int]:
    """Word positions at which a new clause begins (0 first); no clause is shorter than `shortest` words."""
    starts = [0]
    for index in range(1, len(words)):
        after_comma = words[index - 1][-1] in ",;:—–、，；："
        joint = words[index].lower().strip(",;:") in CLAUSE_WORDS
        if (after_comma or joint) and index - starts[-1] >= shortest and len(words) - index >= shortest:
            starts.append(index)
    return starts


def content_words(text: str) -> list[str]:
    """The words for things one can see, in order, lower case, without repeats."""
    lower = [word.lower() for word in WORD.findall(text)]
    seen = dict.fromkeys(word for word in lower if word not in STOPWORDS and len(word) > 2)
    strong = [word for word in seen if word not in WEAK]
    return strong or list(seen)


def frequent_words(text: str) -> list[str]:
    """Content words, the most frequent first; among equals the earlier."""
    lower = Counter(word.lower() for word in WORD.findall(text))
    return sorted(content_words(text), key=lambda word: -lower[word])


def without_instruction(prompt: str) -> str:
    """`Make a video about bees` is about bees: words to the service are not said in the film."""
    bare = INSTRUCTION.sub("", prompt, count=1)
    return bare[:1].upper() + bare[1:] if bare != prompt and bare.strip() else prompt
