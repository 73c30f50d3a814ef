package wire

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math"
	"net/http"
	"reflect"
	"strconv"
	"time"
)

func (n *node) setString(v reflect.Value, s string) {
	if n.ptr {
		if p, ok := v.Addr().Interface().(**string); ok {
			*p = &s
			return
		}
	}
	n.set(v).SetString(s)
}

func (n *node) setBool(v reflect.Value, b bool)      { n.set(v).SetBool(b) }
func (n *node) setInt(v reflect.Value, i int64)      { n.set(v).SetInt(i) }
func (n *node) setFloat(v reflect.Value, f float64)  { n.set(v).SetFloat(f) }
func (n *node) setTime(v reflect.Value, t time.Time) { n.set(v).Set(reflect.ValueOf(t)) }

func timeOf(v reflect.Value) time.Time {
	if v.CanAddr() { // saves an allocation
		return *v.Addr().Interface().(*time.Time)
	}
	return v.Interface().(time.Time)
}

// parseText sets a scalar from its text in a form, a header, a path or XML.
func (n *node) parseText(v reflect.Value, s string) error {
	bad := func() error { return fmt.Errorf("%q is not %s", s[:min(len(s), 60)], kindNames[n.shape.Kind]) }
	switch n.hold {
	case holdString:
		n.setString(v, s)
	case holdBool:
		switch s {
		case "true", "True", "TRUE":
			n.setBool(v, true)
		case "false", "False", "FALSE":
			n.setBool(v, false)
		default:
			return bad()
		}
	case holdInt:
		i, err := strconv.ParseInt(s, 10, n.typ.Bits())
		if err != nil {
			return bad()
		}
		n.setInt(v, i)
	case holdFloat:
		f, err := strconv.ParseFloat(s, n.typ.Bits())
		if err != nil {
			return bad()
		}
		n.setFloat(v, f)
	case holdTime:
		t, ok := parseTime(s)
		if !ok {
			return bad()
		}
		n.setTime(v, t)
	case holdBytes:
		b, err := base64.StdEncoding.AppendDecode([]byte{}, []byte(s))
		if err != nil {
			return bad()
		}
		v.SetBytes(b)
	default:
		return fmt.Errorf("%s has no text form", n.shape.Name)
	}
	return nil
}

// text is the opposite of parseText. format is the timestamp format where
// neither member nor shape names one.
func (n *node) text(v reflect.Value, format string) string {
	switch n.hold {
	case holdString:
		return v.String()
	case holdBool:
		return strconv.FormatBool(v.Bool())
	case holdInt:
		return strconv.FormatInt(v.Int(), 10)
	case holdFloat:
		return formatFloat(v.Float(), n.typ.Bits())
	case holdTime:
		return formatTime(timeOf(v), format)
	case holdBytes:
		return base64.StdEncoding.EncodeToString(v.Bytes())
	}
	return ""
}

func formatFloat(f float64, bits int) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	return strconv.FormatFloat(f, 'f', -1, bits)
}

// The timestamp formats of the models.
const (
	epochSeconds = "unixTimestamp"
	iso8601      = "iso8601"
	httpDate     = "rfc822"
)

func formatTime(t time.Time, format string) string {
	t = t.UTC()
	switch format {
	case epochSeconds:
		return string(appendEpoch(nil, t))
	case httpDate:
		return t.Format(http.TimeFormat)
	}
	if t.Nanosecond() < int(time.Millisecond) {
		return t.Format("2006-01-02T15:04:05Z")
	}
	return t.Format("2006-01-02T15:04:05.000Z")
}

// appendEpoch writes seconds with as many of three decimals as it needs.
func appendEpoch(b []byte, t time.Time) []byte {
	ms := t.UnixMilli()
	if ms < 0 {
		b, ms = append(b, '-'), -ms
	}
	b = strconv.AppendInt(b, ms/1000, 10)
	if ms %= 1000; ms != 0 {
		b = append(b, '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10))
		b = bytes.TrimRight(b, "0")
	}
	return b
}

// parseEpoch reads seconds since 1970, with a fraction.
func parseEpoch(s string) (time.Time, bool) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return time.Time{}, false
	}
	return epoch(f)
}

// epoch is the time of seconds since 1970, to the millisecond.
func epoch(f float64) (time.Time, bool) {
	const year9999 = 253402300799 // later years have no ISO form
	if !(math.Abs(f) <= year9999) {
		return time.Time{}, false
	}
	return time.UnixMilli(int64(math.Round(f * 1000))).UTC(), true
}

// parseTime reads any of the three formats: clients do not keep to the model's.
func parseTime(s string) (time.Time, bool) {
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return t.UTC(), true
	}
	for _, layout := range []string{"2006-01-02T15:04:05.999999999", "20060102T150405Z", "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), true
		}
	}
	if t, err := http.ParseTime(s); err == nil {
		return t.UTC(), true
	}
	return parseEpoch(s)
}
