package change

import (
	"strings"
	"testing"

	"nermbulk/internal/sheet"
)

// TestWarnings looks at what one cell of an attribute is warned of.
func TestWarnings(t *testing.T) {
	for _, tt := range []struct {
		cell string
		want sheet.Kind
	}{
		{"#VRIJEDNOST!", sheet.ExcelError}, {"#ΤΙΜΗ!", sheet.ExcelError}, {"#ΔΙΑΙΡ/0!", sheet.ExcelError}, {"#C3?", sheet.ExcelError},
		{"#Value of it!", ""}, {"#WOW", ""}, {"#X!", ""}, {"#ABCDEFGHIJKLM!", ""}, {"#1 choice!", ""},
		{"31.12.2026", sheet.OddDate}, {"31.02.2026", sheet.OddDate}, {"2026-02-30", sheet.OddDate}, {"99/99/2026", sheet.OddDate}, {"31.2.2026", sheet.OddDate},
		{"2026.12.31", sheet.OddDate}, {"12/31/26", sheet.OddDate}, {"1/5/26", sheet.OddDate}, {"31.12.26", sheet.OddDate}, {"13-13-2026", sheet.OddDate},
		{"12/31/2026", ""}, {"31-12-2026", ""}, {"2026/12/31", ""}, {"2026-12-31", ""}, {"1/5/2026", ""}, {"2028-02-29", ""},
		{"1.2.26", ""}, {"10.20.30", ""}, {"192.168.2026.1", ""}, {"1234-56-78", ""}, {"12-31-26", ""}, {"1.2026", ""}, {"2026", ""}, {"2026-02-30T10", ""},
	} {
		problems := planAll(t, "id,attributes.d\n"+idA+","+tt.cell+"\n", defaultRules())[0].problems
		var got sheet.Kind
		for _, p := range problems {
			got += p.Kind
			if p.Severity != sheet.Warning {
				t.Errorf("%s: %v is an %s", tt.cell, p, p.Severity)
			}
		}
		if got != tt.want {
			t.Errorf("%s: %v, want %q", tt.cell, problems, tt.want)
		}
	}
	rules := defaultRules()
	rules.Dates = dateRules(t, "attributes.d=dd.mm.yyyy:mm/dd/yyyy")
	if p := planAll(t, "id,attributes.d\n"+idA+",31.12.2026\n", rules)[0].problems; len(p) > 0 {
		t.Errorf("under --date: %v", p)
	}
}

func TestDashesInAUUID(t *testing.T) {
	dashed := strings.ReplaceAll(idA, "-", "–")
	p := planAll(t, "id,workflow_id\n"+dashed+","+strings.Replace(idA, "-", "\u2011", 1)+"\n", defaultRules())[0].problems
	if len(p) != 2 || p[0].Kind != sheet.BadID || p[1].Kind != sheet.BadUUID {
		t.Fatal(p)
	}
	for _, problem := range p {
		if !strings.Contains(problem.Message, "it has dashes where hyphens belong: write "+idA) {
			t.Error(problem)
		}
	}
}

func TestSpreadsheetErrors(t *testing.T) {
	for _, s := range []string{
		"#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!", "#SPILL!", "#CALC!", "#ERROR!", "Err:502", "err:508", "####", "########",
		"#NV", "#WERT!", "#BEZUG!", "#ZAHL!", "#ÜBERLAUF!", "#VALEUR!", "#NOM?", "#NOMBRE!", "#¡VALOR!", "#¿NOMBRE?", "#N/D", "#VALORE!", "#RIF!", "#NOME?", "#n/a", "#Ref!",
	} {
		if !isSpreadsheetError(s) {
			t.Errorf("%q is an error of a spreadsheet", s)
		}
	}
	for language, words := range map[string]string{
		"German": "#NULL! #DIV/0! #WERT! #BEZUG! #NAME? #ZAHL! #NV #KALK!", "French": "#NUL! #DIV/0! #VALEUR! #REF! #NOM? #NOMBRE! #N/A #EPARS!",
		"Spanish": "#¡NULO! #¡DIV/0! #¡VALOR! #¡REF! #¿NOMBRE? #¡NUM! #N/D", "Italian": "#NULLO! #VALORE! #RIF! #NOME? #NUM! #N/D",
		"Dutch": "#LEEG! #DEEL/0! #WAARDE! #VERW! #NAAM? #GETAL! #N/B", "Swedish": "#SKÄRNING! #DIVISION/0! #VÄRDEFEL! #REFERENS! #NAMN? #OGILTIGT! #SAKNAS! #SAKNAS",
		"Norwegian": "#NULL! #DIV/0! #VERDI! #REF! #NAVN? #NUM! #I/T", "Danish": "#NUL! #DIVISION/0! #VÆRDI! #REFERENCE! #NAVN? #NUM! #I/T",
		"Finnish": "#TYHJÄ! #JAKO/0! #ARVO! #VIITTAUS! #NIMI? #LUKU! #PUUTTUU!", "Portuguese": "#NULO! #DIV/0! #VALOR! #REF! #NOME? #NÚM! #N/D #NU\u0301M!",
		"Polish": "#ZERO! #DZIEL/0! #ARG! #ADR! #NAZWA? #LICZBA! #N/D!", "Czech": "#NULL! #DĚLENÍ_NULOU! #HODNOTA! #ODKAZ! #NÁZEV? #ČÍSLO! #NENÍ_K_DISPOZICI",
		"Russian": "#ПУСТО! #ДЕЛ/0! #ЗНАЧ! #ССЫЛКА! #ИМЯ? #ЧИСЛО! #Н/Д", "Turkish": "#BOŞ! #SAYI/0! #DEĞER! #BAŞV! #AD? #SAYI! #YOK",
		"Hungarian": "#NULLA! #ZÉRÓOSZTÓ! #ÉRTÉK! #HIV! #NÉV? #SZÁM! #HIÁNYZIK",
	} {
		for word := range strings.FieldsSeq(words) {
			if !isSpreadsheetError(word) {
				t.Errorf("%q is an error of a spreadsheet in %s", word, language)
			}
		}
	}
	for _, s := range []string{"#1", "#", "##", "###", "#hashtag", "N/A", "Error:502", "Err:50", "Err:5022", "E", "err", "#REF! in text"} {
		if isSpreadsheetError(s) {
			t.Errorf("%q is text", s)
		}
	}
}

func TestScientific(t *testing.T) {
	for _, s := range []string{"1.23E+15", "1,23E+15", "6E+12", "1.2E-07", "-4.5e+10", "+1E+2"} {
		if !isScientific(s) {
			t.Errorf("%q is in scientific notation", s)
		}
	}
	for _, s := range []string{"12E5", "1E5", "1.E+5", "E+5", "1.2E+", "1.2E+5x", "12", "1.2", "x1E+5", "1.2.3E+5", "-", "+"} {
		if isScientific(s) {
			t.Errorf("%q is not", s)
		}
	}
}

func TestMojibake(t *testing.T) {
	for _, s := range []string{
		"Ã©", "JosÃ© NÃºÃ±ez", "itâ€™s", "20 Â°C", "3 â‚¬", "a\ufffdb", "MÃ¼ller", "goÃ»t", "CÃ”TE", "Åukasz Å‚", "ï»¿id", "ÐŸÑ€Ð¸Ð²ÐµÑ‚", "ðŸŽ‰", "â€œquotedâ€\u009d",
	} {
		if !isMojibake(s) {
			t.Errorf("%q looks wrongly decoded", s)
		}
	}
	for _, s := range []string{
		"SÃO PAULO", "“AMANHÃ”", "IRMÃ’ ", "Ção", "Müller", "naïve café", "«CAFÉ»", "Größe", "Łukasz", "Привет", "日本語", "€ 20", "Â", "château", "ÅÄÖ", "„JÄ“", "ESPAÑA", "🎉", "O’Brien – “ok”",
	} {
		if isMojibake(s) {
			t.Errorf("%q is text", s)
		}
	}
}

func TestBooleans(t *testing.T) {
	for s, want := range map[string]bool{
		"true": true, "TRUE": true, "Yes": true, "1": true, "WAHR": true, "VRAI": true, "VERDADERO": true, "Vero": true,
		"false": false, "no": false, "0": false, "FALSCH": false, "FAUX": false, "FALSO": false,
	} {
		if got, ok := parseBoolean(s); !ok || got != want {
			t.Errorf("%q: %v, %v", s, got, ok)
		}
	}
	for _, s := range []string{"", "2", "ok", "truefalse", "a very long word that is none"} {
		if _, ok := parseBoolean(s); ok {
			t.Errorf("%q is neither", s)
		}
	}
}

func TestUUIDs(t *testing.T) {
	for s, repaired := range map[string]string{
		idA:                                      idA,
		"33F072DD-13B4-41E1-8EA0-16F2A59B57C8":   idA,
		"{33f072dd-13b4-41e1-8ea0-16f2a59b57c8}": idA,
		"33f072dd13b441e18ea016f2a59b57c8":       idA,
		"{33F072DD13B441E18EA016F2A59B57C8}":     idA,
		"33f072dd-13b4-41e1-8ea0-16f2a59b57c":    "",
		"33f072dd-13b4-41e1-8ea0-16f2a59b57cg":   "",
		"33f072dd013b4-41e1-8ea0-16f2a59b57c8":   "",
		"33f072dd-13b4-41e1-8ea0-16f2a5-b57c8":   "",
		"33f072dd-13b4-41e1-8ea0-16f2a59b57c-":   "",
		"":                                       "",
		"{}":                                     "",
	} {
		got, ok := repairUUID(s)
		if got != repaired || ok != (repaired != "") {
			t.Errorf("%q: %q, %v", s, got, ok)
		}
		if _, ok := sheet.ParseUUID(s); ok != (s == idA || s == "33F072DD-13B4-41E1-8EA0-16F2A59B57C8") {
			t.Errorf("parse %q: %v", s, ok)
		}
	}
}
