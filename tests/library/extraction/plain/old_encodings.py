"""Texts in many languages, with the encodings that old files of theirs are in."""

TEXTS = {
    "de": (
        "Die Zelle ist die kleinste Einheit des Lebens. Überträger sind Stoffe, die Signale weitergeben; die Größe und "
        "das Maß der Öffnung schließen sich gegenseitig nicht aus. – Für „ältere“ Menschen gilt: 5 µg täglich.",
        ("cp1252", "mac_roman", "cp850", "iso8859_15"),
    ),
    "fr": (
        "La cellule est l’unité fondamentale de tout être vivant. Les protéines sont synthétisées à partir des acides "
        "aminés ; l’œuf fécondé se divise où il a été déposé. Ça prend plusieurs années, bien sûr.",
        ("cp1252", "mac_roman"),
    ),
    "it": (
        "La cellula è l'unità fondamentale degli esseri viventi. Perché l'energia può essere liberata più lentamente, "
        "la velocità della reazione è ridotta; così la quantità di calore non è più misurabile.",
        ("cp1252", "mac_roman", "cp850"),
    ),
    "es": (
        "La célula es la unidad fundamental de los seres vivos. El corazón late más rápido durante la respiración; "
        "¿por qué? Porque los músculos de la mañana necesitan más oxígeno que los niños pequeños.",
        ("cp1252", "mac_roman"),
    ),
    "sv": (
        "Cellen är den minsta enheten för allt liv. När vattnet värms upp ökar trycket i kärlet, och då går ångan ut "
        "genom öppningen. Växter behöver ljus för att bilda socker och syre på våren.",
        ("cp1252", "mac_roman"),
    ),
    "da": (
        "Cellen er den mindste enhed i alt levende. Når vandet bliver varmet op, stiger trykket, og så går dampen ud "
        "gennem åbningen. Børn og ældre mennesker har særlige behov for føde og søvn.",
        ("cp1252",),
    ),
    "pl": (
        "Komórka jest najmniejszą jednostką życia. Łańcuch oddechowy zachodzi w mitochondriach, a źródłem energii jest "
        "glukoza. Tkanka jest zbiorem podobnych komórek, które pełnią wspólną funkcję.",
        ("cp1250", "iso8859_2", "cp852"),
    ),
    "cs": (
        "Buňka je nejmenší jednotka života. Tkáň je soubor podobných buněk. Řasa je jednoduchá rostlina, která žije ve "
        "vodě. Žlutý list ztrácí chlorofyl a později odpadá ze stromu.",
        ("cp1250", "iso8859_2", "cp852"),
    ),
    "hu": (
        "A sejt az élet legkisebb egysége. A növények a fény energiáját használják fel, hogy cukrot és oxigént "
        "állítsanak elő. Az erő és a gyorsulás arányos; a tömeg nem változik meg időben.",
        ("cp1250", "iso8859_2"),
    ),
    "hr": (
        "Stanica je najmanja jedinica života. Biljke koriste svjetlost da bi stvorile šećer i kisik. Može se reći da "
        "je čovjek složeno biće koje se sastoji od više vrsta stanica.",
        ("cp1250", "iso8859_2"),
    ),
    "tr": (
        "Hücre canlıların en küçük birimidir. Bitkiler ışık enerjisini kullanarak şeker ve oksijen üretir. İnsan "
        "vücudu çok sayıda hücreden oluşur ve bu hücreler farklı görevler için özelleşmiştir.",
        ("cp1254",),
    ),
    "lt": (
        "Ląstelė yra mažiausias gyvybės vienetas. Augalai naudoja šviesos energiją, kad gamintų cukrų ir deguonį. "
        "Žmogaus kūnas yra sudarytas iš daugybės ląstelių, kurių kiekviena turi savo užduotį.",
        ("cp1257",),
    ),
    "ru": (
        "Клетка является наименьшей единицей жизни. Растения используют энергию света, чтобы получать сахар и "
        "кислород. Ткань состоит из похожих клеток, которые выполняют одну функцию.",
        ("cp1251", "koi8_r", "iso8859_5", "cp866", "mac_cyrillic"),
    ),
    "uk": (
        "Клітина є найменшою одиницею життя. Рослини використовують енергію світла, щоб отримувати цукор і кисень. "
        "Її функція залежить від того, які білки вона виробляє.",
        ("cp1251", "koi8_u"),
    ),
    "el": (
        "Το κύτταρο είναι η μικρότερη μονάδα της ζωής. Ο ιστός είναι ομάδα όμοιων κυττάρων με κοινή λειτουργία. Τα "
        "φυτά χρησιμοποιούν το φως για να παράγουν σάκχαρα.",
        ("cp1253", "iso8859_7"),
    ),
    "he": ("התא הוא היחידה הקטנה ביותר של החיים. הצמחים משתמשים באור כדי לייצר סוכר וחמצן.", ("cp1255",)),
    "ar": ("الخلية هي أصغر وحدة في الحياة. تستخدم النباتات طاقة الضوء من أجل إنتاج السكر والأكسجين.", ("cp1256",)),
    "zh-Hans": (
        "细胞是生命的最小单位。组织是由相似的细胞组成的。植物利用光能来制造糖和氧气。",
        ("gbk", "gb18030"),
    ),
    "zh-Hant": ("細胞是生命的最小單位。組織是由相似的細胞組成的。植物利用光能來製造糖和氧氣。", ("big5",)),
    "ja": (
        "細胞は生命の最小単位である。組織は似た細胞の集まりである。植物は光を使って糖と酸素をつくる。",
        ("shift_jis", "euc_jp"),
    ),
    "ko": (
        "세포는 생명의 가장 작은 단위이다. 조직은 비슷한 세포로 이루어져 있다. 식물은 빛으로 당과 산소를 만든다.",
        ("euc_kr", "cp949"),
    ),
}  # fmt: skip

CASES = [(language, encoding) for language, (_, encodings) in TEXTS.items() for encoding in encodings]
