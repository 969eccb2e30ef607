"""Words that people are made up from: names in many scripts, places, things."""
# ruff: noqa: RUF001 - letters that look like others are the point

from typing import Final, NamedTuple


class FullName(NamedTuple):
    """A first and a last name, and both as they stand in an address."""

    first: str
    last: str
    mailbox: str


NAMES: Final = (
    FullName("Anna", "Lee", "anna.lee"),
    FullName("José", "Núñez", "jose.nunez"),
    FullName("Zoë", "Brontë", "zoe.bronte"),
    FullName("Siân", "O’Brien", "sian.obrien"),
    FullName("Seán", "O'Connor", "sean.oconnor"),
    FullName("Søren", "Ærø", "soren.aero"),
    FullName("Åsa", "Öberg", "asa.oberg"),
    FullName("Jürgen", "Groß", "juergen.gross"),
    FullName("Jean-François", "Lefèvre", "jf.lefevre"),
    FullName("Łukasz", "Żółć", "lukasz.zolc"),
    FullName("Dvořák", "Černý", "dvorak.cerny"),
    FullName("Ștefan", "Țăran", "stefan.taran"),
    FullName("Þóra", "Guðmundsdóttir", "thora.gudmundsdottir"),
    FullName("Ayşe", "Yıldız", "ayse.yildiz"),
    FullName("İbrahim", "Işık", "ibrahim.isik"),
    FullName("Nguyễn", "Thị Hằng", "nguyen.hang"),
    # The accents of these two stand apart from their letters, as macOS writes them.
    FullName("Rene\u0301e", "Lafle\u0300che", "renee.lafleche"),
    FullName("Bjo\u0308rn", "Stro\u0308m", "bjorn.strom"),
    FullName("Елена", "Иванова", "elena.ivanova"),
    FullName("Олексій", "Ґалаґан", "oleksii.galagan"),
    FullName("Ελένη", "Παπαδοπούλου", "eleni.papadopoulou"),
    FullName("محمد", "الأحمد", "mohammed.alahmad"),
    FullName("שרה", "כהן", "sarah.cohen"),
    FullName("प्रिया", "शर्मा", "priya.sharma"),
    FullName("தமிழ்", "செல்வன்", "tamil.selvan"),
    FullName("สมชาย", "ใจดี", "somchai.jaidee"),
    FullName("王", "小明", "wang.xiaoming"),
    FullName("さくら", "田中", "sakura.tanaka"),
    FullName("민준", "김", "minjun.kim"),
    FullName("ნინო", "ბერიძე", "nino.beridze"),
    FullName("Անի", "Սարգսյան", "ani.sargsyan"),
    FullName("Abebe", "አበበ", "abebe"),
    FullName("Null", "Void", "null.void"),
    FullName("Ng", "X", "ng.x"),
    FullName("Maria del Pilar", "de la Cruz y Fernández", "maria.delacruz"),
    FullName("van den", "Berg-Ångström", "vandenberg"),
)

DOMAINS: Final = ("example.com", "example.org", "example.net", "mail.example.com")

TITLES: Final = (None, "Ms", "Mr", "Dr", "Mx", "Prof. Dr.", None, "Señora")

JOBS: Final = (
    "Engineer",
    "Head of Größe & Maß",
    "Chef de cuisine",
    None,
    "Buyer",
    "エンジニア",
    "Director, Sales",
)

ORGANISATIONS: Final = (
    "Acme",
    "Müller & Söhne GmbH",
    None,
    "Żabka",
    "Cafe\u0301 Olé",
    "株式会社サンプル",
    "Smith, Jones & Co.",
    "L'Été",
)


class Place(NamedTuple):
    """Where somebody lives."""

    street: str
    city: str
    county: str | None
    state: str | None
    postcode: str
    country: str


PLACES: Final = (
    Place("High Street", "London", "Greater London", None, "SW1A 1AA", "United Kingdom"),
    Place("Main Street", "Boston", None, "MA", "02101", "United States"),
    Place("Königstraße", "Köln", None, "NRW", "50667", "Germany"),
    Place("Rue de l'Église", "Orléans", None, None, "45000", "France"),
    Place("Calle Mayor", "A Coruña", "Galicia", None, "15001", "Spain"),
    Place("ul. Świętokrzyska", "Łódź", None, None, "90-001", "Poland"),
    Place("Тверская ул.", "Москва", None, None, "125009", "Россия"),
    Place("中山路", "上海", None, None, "200000", "中国"),
    Place("本町", "大阪", None, None, "541-0053", "日本"),
    Place("Llanfair Road", "Caerdydd", "Cymru", None, "CF10 1AA", "United Kingdom"),
)

TIERS: Final = ("gold", "silver", "bronze", None)
TAGS: Final = ("news", "events", "vip", "très bien", "50% off", "a,b", "日本")
SKUS: Final = ("SKU-001", "SKU-042", "Ä-7", "007", "X/Y Z")
EMOJI: Final = ("🎉", "👩‍🚀", "🇬🇧", "❤️")

MALFORMED_EMAILS: Final = (
    "no-at-sign.example.com",
    "two@@example.com",
    "dot..dot@example.com",
    "a blank@example.com",
    "@example.com",
    "nobody@",
    "nobody@host-without-a-dot",
    "nobody@example..com",
    "comma,comma@example.com",
    "<nobody@example.com>",
)
BAD_NUMBERS: Final = ("n/a", "12", "+44 20", "call me", "07", "+999 123 456 789 012 345 678")
