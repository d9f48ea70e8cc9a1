"""Letters and frequent words of languages, by which an unknown encoding is told."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Alphabet:
    """The letters beyond ASCII of a language, its frequent words, and the encodings that its old files are in.

    The first encoding is the likeliest. For languages with thousands of signs, ``letters`` are the frequent ones.
    """

    language: str
    letters: frozenset[str]
    words: frozenset[str]
    encodings: tuple[str, ...]
    many_signs: bool = False


_WESTERN = ("cp1252", "mac_roman", "cp850", "iso8859_15")
_CENTRAL = ("cp1250", "iso8859_2", "cp852", "mac_latin2")
_CYRILLIC = ("cp1251", "koi8_r", "iso8859_5", "mac_cyrillic", "cp866")
_BALTIC = ("cp1257", "iso8859_13")


def _alphabet(language: str, letters: str, words: str, encodings: tuple[str, ...]) -> Alphabet:
    return Alphabet(language, frozenset(letters + letters.upper()), frozenset(words.split()), encodings)


def _signs(language: str, signs: str, *encodings: str) -> Alphabet:
    return Alphabet(language, frozenset(signs), frozenset(), encodings, many_signs=True)


ALPHABETS: Final = (
    _alphabet("de", "äöüß", "der die das und ist ein eine in den von zu mit auf für nicht sich wird im des", _WESTERN),
    _alphabet("fr", "àâæçéèêëîïôœùûüÿ", "le la les de des et est un une en que dans pour par sur du qui au", _WESTERN),
    _alphabet("it", "àèéìíòóùú", "il la di che e è un una in per non sono del della con si gli le dei", _WESTERN),
    _alphabet("es", "áéíñóúü", "el la de que y en un una los las por con se del es para al como más", _WESTERN),
    _alphabet("pt", "áâãàçéêíóôõúü", "o a de que e do da em um uma para com não os as por mais dos é", _WESTERN),
    _alphabet("nl", "áéëèêïíóöüú", "de het een en van in is dat op te zijn met voor niet aan die er", _WESTERN),
    _alphabet("sv", "åäöé", "och att det som en på är av för med den till ett inte om har de", _WESTERN),
    _alphabet("da", "æøåé", "og at det en den til er som på de med for af ikke der et har", _WESTERN),
    _alphabet("no", "æøåéòô", "og i det er som en på å for av at til med ikke den har et", _WESTERN),
    _alphabet("fi", "äöå", "ja on ei se että oli hän joka mutta ovat kuin sen tai myös", _WESTERN),
    _alphabet("is", "áðéíóúýþæö", "og að er í á sem til um við en það ekki var", _WESTERN),
    _alphabet("ca", "àçéèíïóòúü", "el la de i que a en un una els les per amb és del al no", _WESTERN),
    _alphabet("en", "éïèöêñçü", "the of and to in is a that it for as with are by this be from which", _WESTERN),
    _alphabet("pl", "ąćęłńóśźż", "i w na z do się nie jest to że o po od jak za są przez co oraz", _CENTRAL),
    _alphabet("cs", "áčďéěíňóřšťúůýž", "a je v se na to že s z do o k i by jsou jako pro ve od po", _CENTRAL),
    _alphabet("sk", "áäčďéíĺľňóôŕšťúýž", "a je v sa na to že s z do o k aj by sú ako pre vo od po", _CENTRAL),
    _alphabet("hu", "áéíóöőúüű", "a az és hogy nem is egy van meg ez de csak mint el volt vagy azt", _CENTRAL),
    _alphabet("hr", "čćđšž", "i je u se na da su za od s koji a to kao iz ili ne po", _CENTRAL),
    _alphabet("sl", "čšž", "in je v se na da so za ki pa z kot s po iz ali ne od", _CENTRAL),
    _alphabet(
        "ro", "ăâîşţșț", "și şi de în la a cu este nu o un pe din care pentru sunt mai", (*_CENTRAL, "iso8859_16")
    ),
    _alphabet("sq", "çë", "të e në dhe i për me një që është nga më si së ka", _WESTERN),
    _alphabet(
        "tr", "çğıöşüâîû" + "İ", "ve bir bu da de için ile olarak olan çok daha en gibi", ("cp1254", "iso8859_9")
    ),
    _alphabet("lt", "ąčęėįšųūž", "ir yra kad į su iš tai kaip bet ar apie dėl", _BALTIC),
    _alphabet("lv", "āčēģīķļņšūž", "un ir ar no ka uz par kas tas bet kā pie", _BALTIC),
    _alphabet("et", "äõöüšž", "ja on ei et see oma kui ka mis aga või oli", (*_BALTIC, "cp1252")),
    _alphabet("ru", "абвгдеёжзийклмнопрстуфхцчшщъыьэюя", "и в не на что с как это из по для от при", _CYRILLIC),
    _alphabet("uk", "абвгґдеєжзиіїйклмнопрстуфхцчшщьюя", "і в не на що з як та це до у", (*_CYRILLIC, "koi8_u")),
    _alphabet("sr", "абвгдђежзијклљмнњопрстћуфхцчџш", "и је у се на да су за од", _CYRILLIC),
    _alphabet("el", "αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋΐΰ", "και το η ο να του της με από", ("cp1253", "iso8859_7")),
    _alphabet("he", "אבגדהוזחטיךכלםמןנסעףפץצקרשת", "של את על לא זה הוא עם", ("cp1255", "iso8859_8")),
    _alphabet("ar", "ابتثجحخدذرزسشصضطظعغفقكلمنهويةىءأإآؤئ", "في من على أن إلى", ("cp1256", "iso8859_6")),
    _signs(
        "zh-Hans",
        "的一是不了人我在有他这为之大来以个中上们到说国和地也子时道出而要于就下得可你年生自会那后能对着事其里所去行过家十用发天如然作方成者"
        "多日都三小军二无同么经法当起与好看学进种将还分此心前面又定见只主没公从细胞物分子体系数理化学结构定义单位性质过程功能。，、；：（）“”",
        "gb18030",
    ),
    _signs(
        "zh-Hant",
        "的一是不了人我在有他這為之大來以個中上們到說國和地也子時道出而要於就下得可你年生自會那後能對著事其裡所去行過家十用發天如然作方成者"
        "多日都三小軍二無同麼經法當起與好看學進種將還分此心前面又定見只主沒公從細胞物分子體系數理化學結構定義單位性質過程功能。，、；：（）「」",
        "big5hkscs",
    ),
    _signs(
        "ja",
        "のにはをたがでてとしれさあいうえおかきくけこすせそちつなぬねひふへほまみむめもやゆよらりるろわんっゃゅょだじずぞどばびぶべぼぎぐげご"
        "アイウエオカキクケコサシスセソタチツテトナニネノハヒフヘホマミムメモヤユヨラリルレロワンーッャュョガギグゲゴザジズゼゾダデドバビブベボパピプペポ。、「」・",
        "cp932",
        "euc_jis_2004",
    ),
    _signs(
        "ko",
        "이다의는을가에고하한지를로기사도리어인자서대정시해있나아그스일부수과전상보우라성제주장들으것원구조생물세포은",
        "cp949",
    ),
)
