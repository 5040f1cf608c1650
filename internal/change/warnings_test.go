package change

import "testing"

func TestSpreadsheetErrors(t *testing.T) {
	for _, s := range []string{
		"#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!", "#SPILL!", "#CALC!", "#ERROR!", "Err:502", "err:508", "####", "########",
		"#NV", "#WERT!", "#BEZUG!", "#ZAHL!", "#ÜBERLAUF!", "#VALEUR!", "#NOM?", "#NOMBRE!", "#¡VALOR!", "#¿NOMBRE?", "#N/D", "#VALORE!", "#RIF!", "#NOME?", "#n/a", "#Ref!",
	} {
		if !isSpreadsheetError(s) {
			t.Errorf("%q is an error of a spreadsheet", s)
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
		if _, ok := parseUUID(s); ok != (s == idA || s == "33F072DD-13B4-41E1-8EA0-16F2A59B57C8") {
			t.Errorf("parse %q: %v", s, ok)
		}
	}
}
