"""Published sets that we know as one numpy file each; importing this module registers them.

The files are copies of public sets in one format. They have no address: put them into their folder by hand, or name
them with `npz:FILE`.
"""

from digitkit.data.npz import LIKE_DIGITS, NpzRecord
from digitkit.data.source import BRIGHT, DARK, SOURCES, TEST, TRAIN

RECORDS = {
    record.sha256: record
    for record in (
        NpzRecord(
            name="usps16",
            title="USPS, 9,298 digits of American envelopes, 16x16 px, for tests",
            licence="free for research, terms unclear",
            homepage="https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass.html#usps",
            ink=BRIGHT,
            sha256="800f25bc41e9c02d79557262ce3526dc46cbf378b92e7aeb92ddbda9b9b7f07b",
            size=1_105_761,
            family="usps",
            parts=(TEST,),
        ),
        NpzRecord(
            name="semeion16",
            title="Semeion, 1,593 digits of 80 Italians, 16x16 px",
            licence="CC BY 4.0",
            homepage="https://archive.ics.uci.edu/dataset/178",
            ink=BRIGHT,
            sha256="84fc1f5920449616c7e0013cc370e365f88dbb9683bf0291639b40408682a16c",
            size=39_189,
            family="semeion",
        ),
        NpzRecord(
            name="optdigits32",
            title="UCI optical digits, 2,880 originals of 32x32 px",
            licence="CC BY 4.0",
            homepage="https://archive.ics.uci.edu/dataset/80",
            ink=BRIGHT,
            sha256="719d29a90fb8b16b62ad02a2a6bfc446690d0d5ff5ad29c4db909d0a2d81e38a",
            size=171_270,
            family="optdigits",
        ),
        NpzRecord(
            name="pendigits_rendered28",
            title="UCI pen digits, 10,992 tablet strokes drawn 2 px wide, 28x28 px",
            licence="CC BY 4.0",
            homepage="https://archive.ics.uci.edu/dataset/81",
            ink=BRIGHT,
            sha256="471eb6c5fd56275c923b6c059651d4049186b7b45f07f823e39fffe2faa24def",
            size=1_550_596,
        ),
        NpzRecord(
            name="kensanata_numbers16",
            title="kensanata numbers, 15,200 of scanned Swiss forms, 16x16 px, faint",
            licence="public domain",
            homepage="https://github.com/kensanata/numbers",
            ink=DARK,
            sha256="bbaa359842783600adbe03842e37377fee63c4dccc8fe8c1090fc02e309288f3",
            size=1_380_058,
            groups="file_number",
        ),
        NpzRecord(
            name="hwd1000",
            title="HwD-1000, drawn on a canvas by one author, 28x28 px",
            licence="MIT",
            homepage="https://github.com/niklashenning/hwd-1000-dataset",
            ink=DARK,
            sha256="55ead3a8589dffa4927006a3bad227bbfdadb548db5e9f7242fd3b3f11339e87",
            size=172_361,
        ),
        NpzRecord(
            name="jcprogjava_handdrawn28",
            title="JC-ProgJava, 10,780 mouse drawings, heavily augmented, 28x28 px, for tests",
            licence="CC BY-SA 4.0",
            homepage="https://github.com/JC-ProgJava/Handwritten-Digit-Dataset",
            ink=DARK,
            sha256="8a84d9b84459680a3c328dc9eb19bdaad0e933e200dbf23c46d2e7695cd37583",
            size=1_098_281,
            parts=(TEST,),
        ),
        NpzRecord(
            name="sudoku_phone_cells32",
            title="Sudoku cells, 5,338 of phone photos of newspapers, printed or empty, 32x32 px in colour",
            licence="CC BY 4.0",
            homepage="https://github.com/wichtounet/sudoku_dataset",
            ink=DARK,
            sha256="10a5d0b154ed9de8593045b665abebee03c35712f54390fabf937621f961a164",
            size=8_883_482,
            groups="source",
            blanks=("0",),
            others="empty cells",
        ),
        NpzRecord(
            name="emnist_letters_test",
            title="EMNIST letters, 20,800 of its test part, 28x28 px, every fifth for tests",
            licence="public domain (NIST)",
            homepage="https://www.nist.gov/itl/products-and-services/emnist-dataset",
            ink=BRIGHT,
            sha256="55bc92cca1d474813f74293b50f5b6c8da9a830eaacc355c11c5f3add64008b2",
            size=5_150_668,
            only_others=True,
            others="letters",
            alike=LIKE_DIGITS,
            contains={TRAIN: ("emnist-letters/test",)},
        ),
        NpzRecord(
            name="notmnist_test",
            title="notMNIST, letters A to J in fonts, 10,000 for tests of rejection, 28x28 px",
            licence="not stated",
            homepage="https://yaroslavvb.blogspot.com/2011/09/notmnist-dataset.html",
            ink=BRIGHT,
            sha256="88cfc6d5e552347b692febb73b43db622dae407941da01d24c943dae4825308a",
            size=3_214_025,
            parts=(TEST,),
            only_others=True,
            others="fonts",
        ),
        NpzRecord(
            name="fashion_ood2000",
            title="Fashion-MNIST, 2,000 pictures of clothing, 28x28 px, every fifth for tests",
            licence="MIT",
            homepage="https://github.com/zalandoresearch/fashion-mnist",
            ink=BRIGHT,
            sha256="45908d0cee357c4a91e57202771c389d8af47b07ac82523294e8d0a3d098c748",
            size=702_326,
            only_others=True,
            others="clothing",
        ),
    )
}

for _record in RECORDS.values():
    SOURCES.add(_record.name, _record.source())
