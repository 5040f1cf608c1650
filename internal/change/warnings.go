package change

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/unicode/norm"

	"nermbulk/internal/sheet"
	"nermbulk/internal/text"
)

// warn adds warnings of text that was probably damaged before it reached us.
func (p *Planner) warn(col *column, cell string) {
	if p.quiet {
		return
	}
	switch first := cell[0]; {
	case first == '#':
		if hasErrorShape(cell) {
			p.warning(col.Column, sheet.ExcelError, "%s looks like an error of the spreadsheet, not a value: mend the formula, or empty the cell to change nothing", quote(cell))
			return
		}
	case first >= '0' && first <= '9' || first == '-' || first == '+':
		if isScientific(cell) {
			p.warning(col.Column, sheet.Scientific, "%s looks like a long number that the spreadsheet shortened: format the column as text and enter the number again", quote(cell))
			return
		}
		switch {
		case !isOddDate(cell):
		case formsOf(cell, allDateForms) != 0:
			p.warning(col.Column, sheet.OddDate, "%s is a date in a form that the tenant does not have: rewrite it with --date %s", quote(cell), text.ShellWord(text.Line(col.label, 0)+"=dd.mm.yyyy:mm/dd/yyyy"))
		default:
			p.warning(col.Column, sheet.OddDate, "%s looks like a date, but no calendar has it in any of the tenant's forms (%s): correct it", quote(cell), strings.Join(DateFormats()[:6], ", "))
		}
		if d := &col.seen; !d.add(p.row, cell) {
			p.warning(col.Column, sheet.MixedDates, "%s beside %s in row %d: no date format fits both; write the column's dates in one form, or rewrite them with --date", quote(cell), quote(d.example), d.row)
		}
	}
	if col.field.one && severalPeople(cell) {
		p.warning(col.Column, sheet.ManyValues, "%s looks like several values, and the attribute takes one", quote(cell))
	}
	if isMojibake(cell) {
		p.warning(col.Column, sheet.Mojibake, "%s looks wrongly decoded: save the sheet as CSV UTF-8 again, or name its encoding with --encoding", quote(cell))
	}
}

// severalPeople reports whether a cell holds two ids, or two names with a mail
// address.
func severalPeople(cell string) bool {
	found := 0
	for part := range strings.FieldsFuncSeq(cell, isListSeparator) {
		part = sheet.Trim(part)
		if open := strings.LastIndexByte(part, '('); isUUID(part) || open > 0 && strings.HasSuffix(part, ")") && strings.Contains(part[open:], "@") {
			found++
		}
	}
	return found > 1
}

// spreadsheetErrors are the error values that a spreadsheet writes into a CSV
// where a formula failed, in lower case. Those of another language that are
// English too are not repeated.
var spreadsheetErrors = func() map[string]bool {
	known := map[string]bool{}
	for _, list := range []string{
		// English; Norwegian has most of these
		"#n/a #ref! #value! #name? #div/0! #num! #null! #spill! #calc! #error! #getting_data #field! #blocked! #unknown! #connect! #busy! #external! #python! #timeout! #cycle!",
		// German
		"#nv #wert! #bezug! #zahl! #leer! #überlauf! #kalk! #feld! #blockiert! #unbekannt! #verbinden! #daten_abrufen",
		// French
		"#valeur! #nom? #nombre! #nul! #propagation! #epars! #éparpillé! #champ! #bloque! #inconnu! #connexion! #chargement_donnees",
		// Spanish
		"#¡valor! #¡ref! #¿nombre? #¡div/0! #¡num! #¡nulo! #n/d #¡desbordamiento! #¡calc! #¡campo! #¡bloqueado! #¡desconocido! #¡conectar! #obteniendo_datos",
		"#valor! #nombre? #nulo! #desbordamiento!",
		// Italian
		"#valore! #rif! #nome? #nullo! #espansione! #campo! #bloccato! #sconosciuto! #estrazione_dati",
		// Dutch
		"#waarde! #verw! #naam? #getal! #leeg! #deel/0! #n/b #overloop! #overlopen! #bereken! #veld! #geblokkeerd! #onbekend! #gegevens_ophalen",
		// Swedish
		"#värdefel! #värde! #referens! #namn? #ogiltigt! #skärning! #division/0! #saknas! #saknas #expansion! #spill! #beräkning! #fält! #okänt! #hämtar_data",
		// Norwegian, Danish
		"#verdi! #navn? #i/t #overflyt! #overløp! #henter_data",
		"#værdi! #reference! #nul! #tom! #overløb! #beregn! #felt! #blokeret! #ukendt!",
		// Finnish
		"#arvo! #viittaus! #nimi? #luku! #tyhjä! #jako/0! #puuttuu! #puuttuu #täyttö! #laske! #kenttä! #noudetaan_tietoja",
		// Portuguese
		"#núm! #despejar! #desconhecido! #excedido! #obtendo_dados #a_obter_dados",
		// Polish
		"#arg! #adr! #nazwa? #liczba! #zero! #dziel/0! #n/d! #rozlanie! #obl! #pole! #pobieranie_danych",
		// Czech
		"#hodnota! #odkaz! #název? #číslo! #dělení_nulou! #není_k_dispozici #neplatný! #přesah! #výpočet! #načítání_dat",
		// Russian
		"#знач! #ссылка! #имя? #число! #пусто! #дел/0! #н/д #перенос! #вычисл! #поле! #заблокировано! #неизвестно! #ожидание_данных #загрузка_данных",
		// Turkish
		"#değer! #başv! #ad? #sayi! #sayı! #sayi/0! #sayı/0! #boş! #yok #taşma! #hesapla! #alan! #veri_aliniyor",
		// Hungarian
		"#érték! #hiv! #név? #szám! #nulla! #zéróosztó! #hiányzik #kibontás! #számítás! #mező! #adatbetöltés",
	} {
		for word := range strings.FieldsSeq(list) {
			known[word] = true
		}
	}
	return known
}()

// isSpreadsheetError reports whether a trimmed cell is a spreadsheet's error
// value, or the row of '#' that it shows for a column that is too narrow.
func isSpreadsheetError(s string) bool {
	switch s[0] {
	case '#':
		if len(s) >= 4 && strings.Trim(s, "#") == "" {
			return true
		}
		return len(s) <= 60 && spreadsheetErrors[strings.ToLower(norm.NFC.String(s))]
	case 'e', 'E':
		// LibreOffice: Err:502
		return len(s) == 7 && strings.EqualFold(s[:4], "err:") && digits(s[4:]) == 3
	}
	return false
}

// hasErrorShape reports whether a cell that begins with '#' looks like an error
// value of a language that is not known here.
func hasErrorShape(s string) bool {
	const most = 12
	inner := s[1:]
	if len(inner) > utf8.UTFMax*most || !strings.HasSuffix(inner, "!") && !strings.HasSuffix(inner, "?") {
		return false
	}
	inner = norm.NFC.String(inner[:len(inner)-1])
	other := func(r rune) bool { return !unicode.IsUpper(r) && r != '/' && (r < '0' || r > '9') }
	n := utf8.RuneCountInString(inner)
	return n >= 2 && n <= most && !strings.ContainsFunc(inner, other)
}

// digits counts the ASCII digits at the beginning of s.
func digits(s string) int {
	n := 0
	for n < len(s) && '0' <= s[n] && s[n] <= '9' {
		n++
	}
	return n
}

// isScientific reports whether a cell is a number in scientific notation with
// a signed exponent: what a spreadsheet makes of a long number.
func isScientific(s string) bool {
	return (strings.IndexByte(s, 'E') > 0 || strings.IndexByte(s, 'e') > 0) && scientific.MatchString(s)
}

var scientific = regexp.MustCompile(`^[+-]?[0-9]+([.,][0-9]+)?[eE][+-][0-9]+$`)

// asByte returns the byte that windows-1252 shows as r. The bytes that have no
// character there are shown as themselves.
func asByte(r rune) (byte, bool) {
	if r <= 0xff {
		return byte(r), r >= 0x80
	}
	return charmap.Windows1252.EncodeRune(r)
}

// isMojibake reports whether a cell looks like UTF-8 that was read as
// windows-1252, or holds the character that replaces what could not be read.
// Single capitals with a tilde or a circumflex ("SÃO PAULO") are text.
func isMojibake(s string) bool {
	if isASCII(s) {
		return false
	}
	for i, r := range s {
		if r < 0xc2 {
			continue
		}
		if r == utf8.RuneError {
			return true
		}
		if r > 0xf0 {
			continue
		}
		next, size := utf8.DecodeRuneInString(s[i+utf8.RuneLen(r):])
		second, ok := asByte(next)
		if !ok || second > 0xbf {
			continue
		}
		rest := s[i+utf8.RuneLen(r)+size:]
		third, _ := utf8.DecodeRuneInString(rest)
		if misread(byte(r), second, third) {
			return true
		}
	}
	return false
}

func isASCII(s string) bool {
	var all byte
	for i := range len(s) {
		all |= s[i]
	}
	return all < utf8.RuneSelf
}

// misread decides by one lead byte of UTF-8 and what follows it. It is narrower
// than UTF-8 itself where real text has the same characters in a row.
func misread(lead, second byte, third rune) bool {
	thirdByte, continues := asByte(third)
	continues = continues && thirdByte <= 0xbf
	switch lead {
	case 0xc2, 0xc3: // Latin-1: "Ã©", "Â°"; a closing quote may follow a real Ã
		return second != 0x92 && second != 0x94 || unicode.IsLetter(third)
	case 0xc4, 0xc5: // Central European; a closing quote may follow a real Ä or Å
		return second != 0x93 && second != 0x94 && second != 0x92 && second != 0xbb
	case 0xd0, 0xd1: // Cyrillic: the next letter begins in the same way
		return third == 0xd0 || third == 0xd1
	case 0xe2: // typographic quotes, dashes, the euro: "â€™", "â‚¬"
		return second == 0x80 || second == 0x82 || second == 0x84
	case 0xef: // a byte order mark inside the text
		return second == 0xbb && third == 0xbf
	case 0xf0: // an emoji
		return second == 0x9f && continues
	}
	return false
}
