# ruff: noqa: E501 (patterns and tables read better unbroken)
"""The words of danger, as patterns over normalised text (see normaliser): what `emergency` looks for.

Order matters: the first kind that matches names the emergency, so harm to a person by a person comes first.
A pattern sees single spaces, lower case, slang and dialect already in standard words (*semaput* is *pingsan*).
"""

import re

GAP = r"(?:\w+ ){0,%d}"
NEAR = GAP % 3


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(rf"(?:{pattern})" for pattern in patterns))


_HIT = (
    r"(?:di)?(?:pukul|pukuli|pukulin|hajar|tampar|tampari|siksa|aniaya|cekik|tendang|tendangi|seret|gebuk|gebuki|gebukin"
    r"|antem|banting|sundut|rantai|gamparin|gampar|bogem|keroyok|papoko|setrap|sabet|sabetin|jambak|tonjok|tonjokin)"
)
_HITS = (
    rf"(?:{_HIT}|(?:mu|me|mem|men|ng|meng|nga|ba|bapu|baku )(?:kul|kuli|kulin|ukul|pukul|pukuli|kul i|hajar|ampar|nampar|nyiksa"
    r"|yiksa|aniaya|ekik|cekik|ncekik|endang|nendang|gebuk|gebuki|gebukin|antem|ukuli)|mukul\w*|nampar\w*|nyiksa\w*|nendang\w*"
    r"|nyekik\w*|ngajar|ngeplak\w*|ngantem\w*|nggebuk\w*|gebukin|ngamuk pukul|antemi|ngantemi|nggepuki|nggebugi|ngeroyok|gepuki|ndugang|nyeblek\w*|ngurung|mengurung|nyekap|menyekap|nyiram\w*|menyiram (?:saya|air)|neror|meneror|ngancem|ngancam|mengancam|meraba\w*|raba\w*|maksa (?:saya )?(?:begituan|hubungan|berhubungan)|memaksa (?:saya )?(?:berhubungan|melayani)|pegang pegang badan|menjual saya)"
)
_KIN = r"(?:suami|istri|pacar|mantan|ayah|papa|papi|bapa|bapak|laki|dong|om|paman|mertua|majikan|kakak|bojo|laki|pasangan|bos|paitua|maitua|anak)"
_CHILD = r"(?:anak|bayi|balita|bocah|keponakan|ponakan|cucu|adik|ade|remaja|gadis kecil|murid|siswi|siswa)"
_ABUSE = (
    r"(?:diperkosa|memperkosa|perkosa|pemerkosaan|perkosaan|dilecehkan|pelecehan|melecehkan|dicabuli|pencabulan|mencabuli|cabul"
    r"|disetubuhi|disekap|dikurung|dijual ke|ditelantarkan|menelantarkan|digerayangi|diraba raba)"
)

SELF_HARM = _any(
    r"bunuh diri|bundir|gantung diri|nggantung awak|akhiri hidup|mengakhiri hidup|mengakhiri semuanya|(?:ng|meng)akhiri semuanya|akhiri semuanya|suicide|kill myself",
    r"(?:mau|ingin|kepengin|lebih baik|mending|mendingan|rasanya|pilih|pengin|pun|siap) (?:saya )?mati (?:saja|rasanya|saya|lah|daripada|sudah|sekarang)",
    r"(?:mau|ingin|lebih baik|mending|mendingan) (?:saya )?mati(?: saja)?$",
    r"(?:saya )(?:mau|ingin|lebih baik|mending|mendingan) (?:mati|menghilang selamanya|pergi selamanya)",
    r"(?:tidak (?:kuat|sanggup|mau|ingin|pantas|pingin|mampu)) (?:lagi )?(?:untuk )?(?:hidup|urip|bertahan hidup|melanjutkan hidup)",
    r"(?:capek|lelah|bosan|muak|kesel|males|malas|jenuh|menyerah) (?:saya )?(?:dengan )?(?:hidup|urip)(?! (?:di|dekat|dengan|sama) \w+ (?:kotor|macet))",
    r"hidup (?:saya )?(?:ini )?(?:sudah )?(?:tidak ada (?:guna|arti|makna|artinya|gunanya)|tidak berarti|tidak berguna|percuma|sia sia)",
    r"tidak ada (?:guna|gunanya|artinya|arti) (?:lagi )?(?:saya )?hidup|buat apa (?:saya )?hidup|untuk apa (?:saya )?hidup",
    r"(?:tidak|jangan) (?:usah |perlu )?(?:bangun|bangun bangun) lagi|tidur (?:saja )?(?:dan )?(?:selamanya|terus tidak)",
    r"(?:silet|sayat|menyayat|nyayat|iris|mengiris|ngiris|potong|memotong) (?:saya )?(?:tangan|nadi|pergelangan|urat)|menyakiti diri|nyakitin diri|melukai diri|self harm",
    r"(?:mau|ingin|pengin|siap|akan) (?:saya )?(?:lompat|loncat|terjun|nyemplung) dari|lompat dari (?:jembatan|gedung|lantai|atap|flyover|tower)",
    r"(?:mau|ingin|mending|sudah) (?:saya )?(?:minum|ngombe) (?:racun|baygon|potas|obat nyamuk|pil (?:semua|sebanyak))",
    r"pamit (?:selamanya|untuk selamanya|mau mati)|selamat tinggal (?:semua|semuanya|dunia)|surat wasiat (?:terakhir )?saya sebelum",
    r"(?:lebih baik|mending|andai|kalau|seandainya) (?:saya )?(?:tidak ada|mati|lenyap|menghilang|hilang dari dunia)(?! lampu| listrik)(?: saja)?(?= |$)(?!.*lampu)",
    r"mau mati (?:saya|rasanya|aja|saja|lah)|(?:hilang|menghilang|ngilang|lenyap) dari (?:dunia|muka bumi)|menyusul (?:almarhum|ibu|bapak|suami|istri|dia) (?:saja|ke)",
    r"(?:obat|pil|racun|tali|silet) (?:\w+ ){0,4}(?:diminum semua|minum semua|gantung|siap mati)|tali (?:\w+ )?(?:sudah )?(?:saya )?(?:siapkan|siap)|(?:mau|ingin) (?:loncat|lompat|terjun)(?: saja)?$|(?:jembatan|rel|atap|tepi) (?:\w+ ){0,3}(?:mau )?(?:loncat|lompat|terjun)",
    r"lebih baik (?:saya |aku )?(?:mati|bae mati|tidak hidup)|lebe bae mati|want to die|end my life|can't go on|cant go on|can t go on|don't want to live|hurt myself",
    r"(?:bilang|ngomong|katanya|pesan) (?:\w+ ){0,2}(?:mau|ingin|pengin) mati|ingin mati|(?:bawa|pegang|ambil|ngunci diri \w+ \w+ \w+) silet",
    r"(?:ingin|mau) (?:menyusul|nyusul) (?:ibu|bapak|suami|istri|anak|dia|almarhum|almarhumah)|titip anak|sudah tidak (?:kuat|sanggup)(?: lagi)?(?: saya)?$|saya (?:sudah )?tidak (?:kuat|sanggup) lagi$",
    r"tidak (?:ingin|mau) (?:ada )?(?:di dunia|hidup)|udahan (?:saja )?(?:semua|hidup)|ingin (?:udahan|selesai) (?:saja )?(?:semua|hidup)",
)

CHILD = _any(
    rf"(?<!popok )(?<!sampah ){_CHILD} {NEAR}(?:{_HIT}|{_ABUSE}|diculik|dibuang|dibakar|diancam|dianiaya|dijual)(?! (?:teman|guru|sekolah))",
    rf"(?:{_HITS}|menyiksa|perkosa|memperkosa|{_ABUSE}|menculik|membuang|mengurung|menjual|siksa) {NEAR}{_CHILD}",
    r"child (?:\w+ ){0,3}(?:abused|beaten|hit)|(?:abusing|beating|hitting) (?:\w+ )?(?:child|kid)|(?:meraba|memegang|mencium) (?:\w+ )?anak|anak (?:\w+ ){0,4}(?:dipaksa kerja|dipaksa melayani|diperdagangkan|disuruh ngemis|dirantai)",
    r"(?<!popok )(?<!bekas )bayi (?:\w+ )?(?:dibuang|ditinggal|ditelantarkan)|buang bayi|pembuangan bayi|(?:menemukan|nemu|ditemukan|ketemu) bayi",
    r"kekerasan (?:pada |terhadap )?anak|penculikan anak|anak (?:\w+ )?(?:mau )?diculik|penculik",
)

VIOLENCE = _any(
    r"\bkdrt\b|kekerasan dalam rumah tangga|kekerasan rumah tangga|kekerasan seksual",
    rf"{_KIN} {NEAR}(?:{_HITS}|{_ABUSE}|menganiaya|aniaya|main tangan|kasar tangan|ringan tangan|mengancam (?:mau )?(?:bunuh|membunuh)|ancam (?:mau )?bunuh|mau bunuh|mau membunuh|bawa pisau|bawa parang)",
    rf"(?:{_HIT}|dianiaya|disiksa|dihajar|dipukul\w*) {NEAR}{_KIN}",
    rf"saya (?:\w+ )?(?:dijual|(?:mau )?kabur \w+ dipukul|{_HIT}|dianiaya|disiksa|diperkosa|dilecehkan|disekap|dicekik|diancam (?:mau )?(?:dibunuh|bunuh))",
    r"(?:husband|boyfriend|father|wife|dad) (?:\w+ )?(?:hits|beats|hit|beat|abuses|hurts)|takut (?:sama|dengan|ke|pada) suami|saya takut suami|(?:dong|orang) (?:baku )?pukul (?:\w+ ){0,3}(?:istri|perempuan|mama|badan)|dipukul (?:terus|tiap hari|setiap hari|habis habisan|sampai)|(?:suami|bapak tiri|ayah tiri|paman|om) (?:\w+ ){0,3}masuk kamar saya",
    r"diperkosa|pemerkosaan|dilecehkan|pelecehan seksual|(?:takut|tidak berani) pulang {0}(?:suami|bapak|ayah|dipukul|dihajar)".replace(
        "{0}", GAP % 2
    ),
    r"(?:suami|bapak|ayah|pacar) {0}(?:ngamuk|mengamuk)".replace("{0}", GAP % 2),
)

MEDICAL = _any(
    r"\bpingsan\b|tidak sadar(?:kan)?\b|hilang kesadaran|tidak sadarkan diri|tidak (?:ada )?(?:respon|merespon|reaksi)|tidak bergerak",
    r"(?:sesak|sesek|seseg|susah|sulit|tidak|tidak bisa|berhenti|henti|ampeg|megap) (?:\w+ )?bernapas|sesak dada|megap megap|engap engap|sesak (?:sekali|berat|parah|kumat|kambuh)|(?:ibu|bapak|anak|istri|suami|nenek|kakek|mbah|adik|saya) (?:\w+ )?sesak\b",
    r"tidak (?:bisa )?(?:bangun|dibangunkan)(?: bangun| lagi)?(?! (?:rumah|pagi|ruko|kos|masjid|usaha|gedung|gubuk))(?=.*(?:tolong|ambulans|sesak|jatuh|sakit|lemas|pucat|dingin))",
    r"\bkejang\b|kejang kejang|kejet kejet|kejengkang",
    r"(?:kena|serangan|gejala|tiba tiba|mendadak|terkena|sepertinya|kumat|diduga|baru) stroke|stroke (?:mendadak|tiba tiba|sekarang|tolong|ini)|mulut (?:\w+ )?(?:mencong|perot|miring|menceng)|lumpuh (?:mendadak|separuh|sebelah|tiba tiba)|(?:bicara|ngomong) (?:\w+ )?pelo",
    r"serangan jantung|jantung (?:\w+ ){0,2}(?:berhenti|kumat|kambuh|sakit|nyeri)|(?:nyeri|sakit|sakit di) dada|dada (?:\w+ ){0,2}(?:sakit|nyeri|sesak|panas|ditekan)|jantungan (?:kumat|kambuh)|jantung ibu|jantung bapak",
    r"pendarahan|perdarahan|(?<!golongan )(?<!tekanan )darah(?:nya)? (?:\w+ ){0,3}(?:banyak|deras|terus|mengucur|ngucur|muncrat|tidak berhenti|mengalir|keluar)|banyak (?:sekali )?darah|muntah darah|berlumur\w* darah|bersimbah darah|berdarah darah|berdarah (?:banyak|terus|parah|hebat)|batuk darah",
    r"luka (?:\w+ )?(?:parah|dalam|robek|bakar|tusuk|berat|serius)|luka luka|patah (?:tulang|kaki|tangan|leher)|kepala (?:\w+ ){0,2}(?:bocor|berdarah|terbentur|remuk)",
    r"keracunan|(?:minum|menelan|tertelan|nelan|telan|keminum|terminum|kecelek|ngombe|ketelan|makan) (?:\w+ ){0,2}(?:racun|nyamuk|baygon|pemutih|bensin|minyak tanah|deterjen|potas|pestisida|oli|karbol|soda api|koin|baterai|kelereng|bayclin|thinner|tiner)",
    r"tersedak|keselek|kesedak|kecelek|kejelak|tersengat listrik|kesetrum|kesetrom|tersetrum|kestrum|kena setrum|nyetrum orang",
    r"ketuban|bukaan (?:\d|lengkap|penuh|satu|dua|tiga|empat|lima|enam|tujuh|delapan)|\bbrojol\b|mau melahirkan (?:sekarang|tolong|ini|cepat|di jalan|butuh)|(?:mau|arep|su mau) (?:melahirkan|lahir|baranak|beranak)(?=.*(?:tolong|cepat|ambulans|sakit|mules|sekarang|darurat|kontraksi|darah))|(?:mules|kontraksi) (?:\w+ ){0,3}(?:melahirkan|lahir|hamil)|hamil (?:\w+ ){0,4}(?:mules|kontraksi|darah|jatuh|kejang)|bayi(?:nya)? (?:\w+ ){0,2}(?:mau keluar|sudah keluar|biru)",
    r"(?:digigit|dipatuk|dicatok|gigitan|kegigit|dipatil|digigi) (?:\w+ )?(?:ular|ulo|kobra|anjing gila)|ular (?:gigit|patuk)|(?:disengat|diantup|dientup) (?:\w+ )?(?:tawon|lebah)",
    r"overdosis|over dosis|sekarat|\bkritis\b|gawat darurat (?:medis|sekarang)|napas terakhir|denyut|nadi(?:nya)? (?:\w+ )?(?:tidak|lemah|hilang)|biru bibir|bibir(?:nya)? biru|badan(?:nya)? (?:\w+ )?(?:dingin|membiru|kaku)",
    r"(?:butuh|perlu|kirim\w*|minta|tolong|panggil\w*|carikan|mana|datangkan|membutuhkan|jemput) (?:\w+ ){0,3}ambulans|ambulans (?:\w+ ){0,2}(?:cepat|segera|sekarang|tolong|darurat|ke sini|kesini)|cepat (?:\w+ ){0,2}ambulans",
    r"jatuh (?:\w+ ){0,4}(?:sumur|jurang|lantai \w+|atap|genteng|pohon|tangga|tiang|kamar mandi|ke got|ke selokan|sungai|kali)|jatuh (?:\w+ ){0,3}(?:tidak bisa (?:bangun|gerak|bicara|jalan|berdiri))",
    r"asma (?:\w+ ){0,2}(?:kambuh|kumat|parah)|(?:ibu|bapak|nenek|kakek|mbah|istri|suami|anak|adik) (?:\w+ ){0,3}(?:kritis|sekarat|drop sekali|ngorok)|penyakitnya kambuh parah",
    r"dada(?:nya)? (?:\w+ )?sakit|keringat dingin|(?:anak|bayi|balita) (?:\w+ ){0,2}(?:\bstep\b|setep|stip)|kegiling|tergiling|kejepit mesin|(?:masuk|kena) mesin|bengkak (?:\w+ )?(?:biru|sesak)|not breathing|can't breathe|unconscious|collapsed|(?:need|send|call) (?:an )?(?:ambulance|ambulans)|heart attack|bleeding|pelo|mulut miring|muka(?:nya)? (?:\w+ )?(?:mencong|miring sebelah)|tidak (?:nyaut|menyahut|sadar|merespon)|bernapas(?:nya)? (?:\w+ )?(?:ngorok|berhenti|putus|tersengal|satu satu)|lemas (?:\w+ ){0,3}(?:tidak|pucat|dingin)|(?:bangunin|dibangunin|dibangunkan|dibangunno) tidak|tidak bangun|^(?:\w+ )?ambulans$|(?:luka|korban) (?:\w+ )?(?:banyak|berat)|banyak (?:yang )?luka",
    r"demam (?:\w+ ){0,3}kejang|panas (?:\w+ ){0,4}kejang|tidak bisa (?:bicara|ngomong) (?:\w+ ){0,2}(?:mendadak|tiba tiba)|tiba tiba (?:\w+ ){0,2}(?:jatuh|ambruk|tumbang|roboh|tidak bisa (?:bicara|gerak))",
)

FIRE = _any(
    r"kebakaran|terbakar|kebakar\b|there is a fire|a fire next|fire!|(?:kirim|minta|panggil\w*|butuh|tolong|mana|datangkan) (?:\w+ ){0,2}(?:damkar|pemadam)(?! (?:ambil|tangkap|evakuasi|kucing|ular|tawon|lepas))|bau gosong|bau terbakar|api (?:\w+ )?makin|apinya|dibakar orang|dibakar massa|fire in|house is on fire|on fire",
    r"\bapi (?:\w+ ){0,4}(?:besar|gede|membesar|tinggi|menyala|nyala|merembet|merambat|menjalar|munggah|makin|sampai|menjulang|melahap|menyambar|berkobar|belum padam|tidak padam|muncul|naik|keluar|mulai)|(?:ada|muncul|keluar|kobaran|lihat|semburan|percikan) api\b",
    r"\basap (?:\w+ ){0,3}(?:hitam|tebal|pekat|mengepul|banyak)(?=.*(?:rumah|toko|gudang|ruko|gedung|lantai|kos|dapur|pasar|kantor|sekolah|plafon|kamar|tolong|api))",
    r"(?:gas|elpiji|lpg|tabung|kompor) (?:\w+ ){0,3}(?:bocor|meledak|mendesis|njeblug|nyembur|menyembur|ngowos)|bau gas (?:\w+ ){0,2}(?:menyengat|bocor|kuat|di rumah|keras)|(?:ada|terdengar|suara|bunyi) ledakan|(?:trafo|gardu|petasan|rumah|pabrik|mobil|kompor|bom|mercon|aki|tabung) (?:\w+ ){0,2}meledak",
    r"(?:korslet\w*|konslet\w*|kortslet\w*|kongslet\w*|konsleting)(?! rawan)",
)

ACCIDENT = _any(
    r"kecelakaan|tabrakan|tabrakkan|karambol|(?:ke|ter|di)tabrak|(?:menabrak|nabrak|tabrak) (?:\w+ )?(?:orang|anak|motor|mobil|pohon|tiang|rumah|warung|ibu|bapak|truk|bus|oto|pembatas|trotoar|becak|sepeda|pejalan|kucing besar)|tabrak lari|baku tabrak|batabrak",
    r"(?:ter|ke|di)lindas|tergilas|kegiles|(?:ter|ke)serempet|diserempet|keserempet",
    r"(?:ter|ke|di)timpa|menimpa|nimpa|ketiban|ketibanan|kerobohan|tertimbun|ketimbun|kejepit|terjepit|kegencet|tergencet|kejatuhan (?:pohon|dahan|tiang|genteng|tembok|besi|batu|barang|kayu|kelapa|beton|material)",
    r"(?:mobil|truk|bus|oto|motor|angkot|bemo|pick up|pikap) (?:\w+ ){0,3}(?:terguling|terbalik|tabale|masuk (?:jurang|sungai|kali|got|sawah|parit)|nyemplung|kecemplung|ngguling)",
    r"jatuh (?:\w+ )?dari (?:motor|sepeda|angkot|mobil|kereta|truk)|(?:tertabrak|tersambar|ketabrak) kereta|(?:korban|orang) (?:\w+ ){0,3}tergeletak|tergeletak di (?:jalan|pinggir)|motor (?:\w+ ){0,2}nabrak|accident",
)

DISASTER = _any(
    r"(?:terjebak|kejebak|terperangkap|terkurung|tajebak|kejebek)(?! (?:macet|kemacetan|utang|hutang|pinjol|hujan|nostalgia|lampu merah))",
    r"(?:perahu|kapal|sampan) (?:\w+ )?(?:terbalik|tenggelam|karam)|(?:kecemplung|tercemplung|kejegur) (?:\w+ )?(?:blumbang|sumur|kolam|sungai|got|sumber)|(?:air|banjir) (?:\w+ ){0,5}(?:setinggi dada|setinggi leher|setinggi pinggang|tidak bisa keluar)|air naik terus|kami di atap|(?:kekunci|terkunci|kekunci) (?:\w+ )?(?:di )?(?:dalam )?(?:mobil|kamar mandi|lift|rumah)|nyangkut di jari|hanyut|\bkeli\b|(?:keseret|terseret|kebawa|terbawa|kintir|kentir) (?:\w+ ){0,2}(?:arus|kali|sungai|banjir|air|ombak|selokan|got)|tenggelam|kelelep|klelep|kelelap|kecemplung (?:\w+ ){0,2}(?:sumur|kali|sungai|kolam|waduk)|tercebur|kecebur (?:\w+ ){0,2}(?:sumur|kali|sungai|kolam)",
    r"(?:banjir|air|aer) (?:\w+ ){0,4}(?:sedada|sak dodo|sak gulu|sak bangkekan|sepinggang|seleher|(?:sampai|su sampai) (?:leher|dada|pinggang|atap|paha)|sepundak|sebahu|seatap|atap rumah|(?:satu|dua|1|2|1,5) meter|sepaha|se dada|se pinggang|se leher)|banjir bandang|banjir (?:\w+ ){0,6}(?:bayi|lansia|orang tua|nenek|kakek|sakit|hamil|lumpuh|evakuasi|perahu)",
    r"\blongsor\b|tanggul (?:\w+ )?(?:jebol|ambrol|bobol)|puting beliung|angin (?:ribut|kencang sekali)|tsunami",
    r"(?<!ada )(?<!potensi )gempa(?! (?:bumi )?(?:politik|kecil kemarin|besar besok))(?= |$)(?!.*(?:benar|hoaks|hoax|isu|kabarnya|katanya|info|prediksi|ramalan))",
    r"(?:rumah|tembok|bangunan|atap|jembatan|tower|crane|plafon|gedung|pagar|ruko|sekolah|menara|reklame|baliho) (?:\w+ ){0,2}(?:roboh|ambruk|runtuh|rubuh|ambrol)(?=.*(?:orang(?! tua takut)|korban|tolong|terjebak|barusan|timpa|baru saja|sekarang|penghuni|anak|warga|gempa|$))(?! mau)",
    r"kabel (?:\w+ ){0,5}(?:percik\w*|menyala|nyala|api|nyetrum|bertegangan|kesetrum|terbakar|meletup|ngeluarin api)|kabel (?:listrik|pln|tegangan|tiang|telanjang) (?:\w+ ){0,3}(?:putus|jatuh|ambruk|jatoh)|tiang listrik (?:\w+ ){0,2}(?:roboh|ambruk|tumbang|jatuh|mau roboh)",
    r"(?:tolong|butuh|minta|mohon|segera|perlu) (?:\w+ ){0,3}(?:evakuasi|dievakuasi|perahu karet|tim sar|basarnas)|evakuasi (?:segera|sekarang|cepat)",
)

CRIME = _any(
    r"(?:maling|rampok|perampok|begal|copet|jambret|penjahat|pencuri|orang asing|orang tak dikenal|orang tidak dikenal) (?:\w+ ){0,3}(?:masuk|di rumah|di dalam|lari|kabur|naik|ketangkap|tertangkap|ditangkap|di atap|di genteng|dobrak|mendobrak|congkel|sekarang|lagi beraksi|ketahuan|bawa)|(?:ada|tolong|itu|awas|lagi ada|sedang ada|dimasuki|dimasukin|kemasukan|kesatroni|disatroni|dimasukan) (?:maling|rampok|perampok|begal|penjahat|copet|jambret)(?! (?:uang|teriak|rakyat))",
    r"dirampok|dibegal|dijambret|kemalingan|kerampokan|kecopetan|dicopet|ditodong|diculik|penculikan|dikeroyok|pengeroyokan|keroyokan|dibacok|membacok|pembacokan|bacok bacokan|bacok|ditusuk|penusukan|ditikam|menikam|batikam|tikam|ditembak|penembakan|disandera|pembunuhan|dibunuh|perampokan|dihadang (?:orang|begal|preman)|diancam (?:mau )?(?:dibunuh|pakai|dengan|orang|bunuh)|dikejar (?:orang|begal|preman|massa)|dibuntuti|diikuti orang|digebuki massa|dihakimi massa|dihajar massa|massa (?:\w+ )?(?:ngeroyok|keroyok|hajar|mengeroyok)",
    r"(?:bawa|membawa|bawa bawa|pegang|mengacungkan|acungkan|ngacung|todong|menodongkan) (?:\w+ ){0,2}(?:parang|pisau|celurit|clurit|golok|senjata|pistol|pedang|samurai|badik|sajam|arit|klewang|kelewang|panah|air keras)",
    r"(?:ada|sedang|terjadi|tolong|lagi) (?:\w+ ){0,2}(?:tawuran|perkelahian|keributan|kerusuhan|bentrok\w*|baku hantam|baku pukul|orang berkelahi|orang berantem|ricuh|rusuh|gelut|tarung|perang)|tawuran (?:\w+ ){0,4}(?:sekarang|tolong|senjata|celurit|berdarah|korban|cepat|lempar)|baku (?:hantam|pukul|potong|bunuh|parang)|orang (?:\w+ ){0,3}(?:ngamuk|mengamuk)|(?:ngamuk|mengamuk) (?:\w+ ){0,2}(?:bawa|rusak|pecah|parang)",
    r"(?:mau|sedang|lagi|orang) (?:\w+ ){0,2}(?:dobrak|mendobrak|ndobrak|jebol|menjebol|congkel|mencongkel|nyongkel) (?:\w+ ){0,2}(?:rumah|pintu|jendela|toko|kamar)|dobrak (?:rumah|pintu)|(?:ada|ancaman|benda) (?:\w+ ){0,2}bom\b",
)

GENERAL = _any(
    r"(?:ular|ulo|kobra|piton|phyton|sanca|buaya|biawak besar) (?:\w+ ){0,4}(?:masuk|di dalam|dalam rumah|kamar|rumah|plafon|dapur|mandi|atap|teras|kelas|jok)|(?:ada|kemasukan|dimasuki|kemasukkan) (?:ular|ulo|kobra|piton|sanca|buaya)",
    r"(?:112|119|110|113|call center|psc) (?:\w+ ){0,4}(?:tidak (?:nyambung|diangkat|bisa|aktif|tersambung|respon|ada yang)|sibuk|susah|gagal|putus)(?=.*)",
    r"(?:anak|adik|ibu|bapak|nenek|kakek|orang tua|keponakan|cucu|balita|mbah|opa|oma) (?:\w+ ){0,2}hilang (?:\w+ ){0,3}(?:dari|di|sejak|belum pulang|tolong|dibawa)|(?:anak|adik|cucu|nenek|kakek) (?:\w+ )?(?:belum pulang (?:dari|sejak))|orang hilang",
    r"(?:ada|menemukan|ditemukan|nemu|penemuan|ketemu) (?:\w+ ){0,2}(?:mayat|jasad|orang mati|orang meninggal di)|keadaan darurat sekarang|darurat tolong|tolong darurat|ini darurat|darurat ini|\bsos\b|emergency help|help emergency|help me (?:now|quick)|someone help|send help|darurat (?:ada )?korban|(?<!tidak )(?<!belum )ada korban(?! (?:jiwa )?(?:tidak|berapa))|tolong nyawa|nyawa (?:\w+ )?(?:terancam|melayang|bahaya)|bahaya (?:nyawa|maut)|(?:tolong|bantu) saya (?:mau )?dibunuh",
)

# Nothing but a cry for help.
CALL = re.compile(
    r"^(?:(?:tolong|cepat|darurat|bapak|ibu|sekarang|segera|buruan|help|gawat|bantu|kakak|pak|ini|woi|hei|hey) ?)*(?:tolong|darurat|help|gawat)(?: (?:tolong|cepat|darurat|bapak|ibu|sekarang|segera|buruan|gawat|kakak|saya|kami|kita))*$"
)

# Said of other things than danger: taken out before looking.
IDIOMS = _any(
    r"kebakaran jenggot|(?:lampu|listrik|pln|hp|hape|mesin|wifi|internet|pju|keran|ac|tv|komputer|sinyal|air|pdam|jaringan|motor) (?:\w+ ){0,4}mati|mati (?:lampu|listrik|air|gaya|kutu|suri|matian|rasa|total|langkah|penasaran)|setengah mati|pejah lampu",
    r"api semangat|main api|api dalam sekam|berapi api|api unggun|kereta api|stasiun api|gunung api|kartu api|apotek|obat api",
    r"(?:kebanjiran|banjir) (?:\w+ )?(?:order|orderan|pesanan|diskon|promo|pujian|kritik|rezeki|hadiah|pembeli|job|bansos|air mata|pengunjung|peserta)",
    r"(?:tenggelam|hanyut) (?:dalam|di) (?:\w+ )?(?:kesedihan|lautan|pekerjaan|lagu|mimpi|perasaan|suasana|arus zaman|tugas|kenangan|pikiran|hutang|utang)",
    r"(?:hampir |bisa |sampai |bikin |nyaris |rasanya |serasa )(?:\w+ )?(?:pingsan|jantungan|mati|sekarat|kejang|stroke|semaput) (?:saya )?(?:\w+ )?(?:lihat|melihat|nunggu|menunggu|antre|antrean|dengar|gara gara|karena|bayar|tagihan|kepanasan|ngantuk|kelaparan|capek|bosan|urus)",
    r"(?:antre|antrean|nunggu|menunggu|tagihan|harga|biaya|birokrasi) (?:\w+ ){0,5}(?:pingsan|jantungan|sekarat|mati rasanya|kejang|kejang otak|stroke|meledak|mencekik)",
    r"(?:tagihan|emosi|kepala|viral|harga|perut|penjualan|kabar|video|otak) (?:\w+ ){0,2}meledak|meledak ledak|(?:dompet|hp|hape|baterai|batre|aki|laptop|motor|ekonomi|usaha|rekening|warung|kantong) (?:\w+ ){0,2}(?:sekarat|kritis|kejang|pingsan|megap megap|tewas)",
    r"kejang otak|(?:kucing|anjing|ayam|burung|ikan|sapi|kambing|tanaman|pohon|bunga|usaha|toko|warung|bisnis|ternak) (?:\w+ ){0,2}(?:mau |hampir |sudah )?mati|serangan fajar|jantung kota|jantung hati|darah (?:tinggi|rendah|muda|daging)|donor darah|golongan darah|tekanan darah|(?:cek|tes|periksa|kantong|stok|transfusi|butuh) darah|kritik\w*|berpikir kritis|gempa politik|bunuh waktu|membunuh waktu|maling teriak maling|maling uang|rampok uang|perampok uang rakyat|maling rakyat|rampok berdasi|tikus berdasi",
    r"harga (?:\w+ ){0,3}(?:mencekik|gila|menjerat)|mencekik (?:leher|rakyat|warga)|terjebak (?:macet|kemacetan|hujan|utang|hutang|nostalgia)|(?:jatuh|tabrakan|bentrok|tabrak) (?:cinta|tempo|jadwal|sama jadwal|dengan jadwal|waktu|hati|miskin|pailit)|jadwal(?:nya)? (?:\w+ ){0,3}(?:tabrakan|bentrok|bertabrakan)|menabrak (?:aturan|peraturan)|tabrak (?:aturan|prosedur)|surat mati|darurat sampah|darurat narkoba|(?:bom|ranjau) waktu|bom (?:atom|like|air)|bau mayat|kecelakaan pikir|hamil di luar|ular naga|antrean mengular|antre mengular|mengular|ular tangga|lidah ular",
    r"(?:bakar|membakar|pembakaran|ngobong|mbakar|bakaran|dibakar|kebakar|pembakar|bakari|mbakari|ngobongi) (?:\w+ )?(?:sampah|daun|jerami|kayu|ban|plastik|ikan|sate|ayam|jagung|kalori|uwuh|rapot|limbah)|(?:sampah|jerami|daun) (?:\w+ )?dibakar|(?:terbakar|panas) matahari|terbakar (?:emosi|cemburu|amarah|api cemburu|semangat)|hati (?:\w+ )?terbakar|kebakaran (?:hati|dompet|kantong)|panas dalam|sakit hati",
    r"(?:kerjaan|kerja|tugas|deadline|utang) (?:\w+ ){0,3}(?:mati|membunuh)|bunuh karakter|pembunuhan karakter|dibunuh rindu|mati rindu|capek hati|korban (?:perasaan|php|janji|iklan)|disiksa (?:rindu|antre|antrean|nunggu|macet)|siksaan (?:antre|nunggu)|digantung (?:status\w*|perasaan|janji)|dihajar (?:hujan|tagihan|pajak)|dipukul rata|pukul rata|ditampar kenyataan|ditodong (?:tagihan|pertanyaan)|(?:tutup|harga|saham|kios|suara|nilai) (?:\w+ )?(?:jatuh|roboh|anjlok)",
)

# The question is about a number, a rule or a service, not about something that is happening.
NUMBER_QUESTION = _any(
    r"(?:tolong |minta |mohon |boleh |info |informasi |tahu |cari |ada |apa |berapa |simpan |catat |kasih |bagi )*(?:nomor|kontak|hotline|call center|telepon|wa|layanan|nomornya|hubungi|contact)(?: \w+){0,3}? (?:darurat|ambulans|kebakaran|pemadam|damkar|polisi|polsek|polres|rumah sakit|psc|psc 119|119|112|110|113|bpbd|sar|basarnas|medis|bencana|banjir|kecelakaan|pmi|igd|kdrt|pengaduan kdrt)(?: (?:kebakaran|medis|kecelakaan|kota|mojokerto|kupang|kabupaten|gratis|psc|terdekat|yang|bisa|dihubungi|ditelepon|24|jam|dan|atau|polisi|ambulans|damkar|untuk|puskesmas|di|sini|pemadam|banjir|bencana|kdrt))*(?: (?:berapa|apa|mana|dong|ya|dimana|aktif|benar))*",
    r"(?:112|119|110|113|psc|call center) (?:itu |ini )?(?:apa|buat apa|untuk apa|bayar|gratis|bisa (?:untuk|buat|dari)|pakai pulsa|melayani|berlaku|masih aktif|nomor apa|benar)",
    r"(?:ke mana|ke nomor berapa|nomor berapa|telepon ke mana|hubungi siapa|lapor ke mana|telepon siapa|lapornya ke mana|kontak siapa)",
)
HYPOTHETICAL = re.compile(
    r"\b(?:kalau|jika|misal\w*|semisal|seandainya|apabila|andai|andaikan|bila|jikalau|umpama|upami|if|kalau kalau|jaga jaga|buat jaga)\b"
)
WARNING_BEFORE = re.compile(
    r"(?:\b(?:takut|takutnya|ditakutkan|rawan|bahaya|mencegah|cegah|antisipasi|khawatir|potensi|berpotensi|risiko|resiko|bikin|agar|biar|supaya|jangan"
    r"|nanti|hampir|sering|kerap|pelatihan|simulasi|asuransi|bekas|pasca|pascakebakaran|santunan|alat|penyebab|pencegahan|penanggulangan|memicu|menyebabkan"
    r"|sebabkan|mengakibatkan|daripada|sebelum|nyaris|waspada|menghindari|hindari|kasus|korban|data|jumlah|angka|berita|statistik|sosialisasi|penyuluhan|was was"
    r"|bisa|dapat|rentan|tiap|setiap|selalu|langganan|nunggu|menunggu|tunggu|laporan|nunggu ada|sampai ada|mau|jaminan|klaim|riwayat|habis|setelah|mengurangi"
    r"|mengantisipasi|bukan|tidak ada|tidak terjadi|tanpa|belum ada|kejadian|soal|tentang|dugaan|cara|menangani|trauma|musim|kayak|seperti|macam)\s+(?:\w+ ){0,1})$"
)
HABITUAL = re.compile(
    r"\b(?:saben|sudah \w+ kali|sering|kerap|(?:tiap|setiap) (?!\d)\w+|selalu|biasanya|rawan|marak|langganan|berkali kali|sudah banyak (?:yang|orang|korban|kali|kecelakaan|warga)|banyak yang (?:jatuh|celaka|kecelakaan|tabrakan|jadi korban)|sudah beberapa|beberapa kali|sudah \d+ (?:kali|orang)|sudah pernah|berulang|rutin|terus menerus tiap)\b"
)
DRILL = re.compile(
    r"\b(?:simulasi|latihan|iseng|bercanda|becanda|guyon|guyonan|prank|lomba|sinetron|film|drama|mimpi|ngimpi|lagu|game|novel|cerita|skripsi|tugas kuliah|penelitian|pelatihan|sosialisasi|penyuluhan|magang|lowongan|apar|teater|puisi|pantun|pr sekolah|kajian|seminar|webinar|workshop)\b"
)
PAST = re.compile(
    r"\b(?:kemarin|lalu|tempo hari|pernah|waktu itu|dulu pernah|tahun kemarin|bulan kemarin|minggu kemarin|sudah padam|sudah selesai|kapan hari|habis kebakaran|pasca|setelah kebakaran|semalam lalu|tadi malam|semalam|waktu kebakaran|saat kebakaran|tahun 20\d\d|dulu waktu|waktu kecelakaan|akibat kebakaran|akibat kecelakaan|gara gara kecelakaan|gara gara kebakaran)\b"
)
SINCE = re.compile(r"\b(?:dari|sejak|mulai) (?:tadi malam|kemarin|semalam|tadi)\b")
NOW = re.compile(
    r"\b(?:sekarang|masih|sedang|barusan|baru saja|saat ini|ini lagi|cepat|darurat|gawat|segera|belum padam|tolong+|bantu|bantuin|help|buruan|ambulans|damkar|pemadam)\b"
)
URGENT = re.compile(
    r"\b(?:sekarang|sedang|barusan|baru saja|cepat|darurat|gawat|segera|belum padam|buruan|ambulans|damkar|pemadam|api masih|tolong tolong)\b|!"
)
PAPER = re.compile(
    r"\b(?:surat|santunan|klaim|asuransi|akta|ktp|kk|kia|ijazah|sertifikat|dokumen|syarat\w*|jasa raharja|bpjs|jkk|jkn|rujukan|bpkb|stnk|sim|buku nikah|arsip|ganti rugi"
    r"|keterangan|ahli waris|bansos|bantuan (?:sosial|korban|untuk|buat|bagi|dana|modal|rumah)|laporan saya|status laporan|laporan yang|biaya|tarif|gratis|sewa|pinjam|jadwal|daftar|pendaftaran|imunisasi"
    r"|vaksin|kontrol|jenazah|pajak|izin|data|statistik|jumlah kasus|perda|perwali|peraturan|cctv|rekaman|kronologi|skck|kartu|mobil jenazah|program)\b"
)
