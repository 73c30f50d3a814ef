package h1

// Chunks follows a body of the chunked coding, to know where it ends.
type Chunks struct {
	state chunkState
	left  uint64 // of the chunk
	size  int    // digits, or bytes of a line
}

type chunkState uint8

const (
	inSize    chunkState = iota
	afterSize            // blanks, which old servers write
	inExtension
	afterExtension // its CR
	inData
	afterData   // its CR is next
	afterDataCR // its LF is next
	inTrailer   // at the beginning of a line
	inTrailerLine
	afterTrailerLine // its CR
	afterAll         // the last CR
)

// mostLine bounds what is no data.
const mostLine = 16 << 10

// Scan tells how many bytes of b are of the body, and whether it ends with them.
func (c *Chunks) Scan(b []byte) (n int, done bool, err error) {
	for n < len(b) {
		if c.state == inData {
			take := min(c.left, uint64(len(b)-n))
			n += int(take)
			if c.left -= take; c.left == 0 {
				c.state = afterData
			}
			continue
		}
		x := b[n]
		n++
		if c.size++; c.size > mostLine {
			return n, false, ErrStrange
		}
		switch c.state {
		case inSize:
			if d, ok := digit(x); ok && c.size <= 15 {
				c.left = c.left<<4 | d
				continue
			}
			if c.size == 1 { // no digit at all
				return n, false, ErrStrange
			}
			switch x {
			case '\r':
				c.state = afterExtension
			case ';':
				c.state = inExtension
			case ' ', '\t':
				c.state = afterSize
			default:
				return n, false, ErrStrange
			}
		case afterSize:
			switch x {
			case '\r':
				c.state = afterExtension
			case ';':
				c.state = inExtension
			case ' ', '\t':
			default:
				return n, false, ErrStrange
			}
		case inExtension:
			if x == '\r' {
				c.state = afterExtension
			} else if x < ' ' && x != '\t' || x == 0x7f {
				return n, false, ErrStrange
			}
		case afterExtension:
			c.size = 0
			c.state = inData
			if c.left == 0 {
				c.state = inTrailer
			}
			if x != '\n' {
				return n, false, ErrStrange
			}
		case afterData:
			c.state = afterDataCR
			if x != '\r' {
				return n, false, ErrStrange
			}
		case afterDataCR:
			c.size = 0
			c.state = inSize
			if x != '\n' {
				return n, false, ErrStrange
			}
		case inTrailer:
			c.state = inTrailerLine
			if x == '\r' {
				c.state = afterAll
			} else if !tokens[x] {
				return n, false, ErrStrange
			}
		case inTrailerLine:
			if x == '\r' {
				c.state = afterTrailerLine
			} else if x < ' ' && x != '\t' || x == 0x7f {
				return n, false, ErrStrange
			}
		case afterTrailerLine:
			c.state = inTrailer
			if x != '\n' {
				return n, false, ErrStrange
			}
		case afterAll:
			if x != '\n' {
				return n, false, ErrStrange
			}
			return n, true, nil
		}
	}
	return n, false, nil
}

func digit(x byte) (uint64, bool) {
	switch {
	case x >= '0' && x <= '9':
		return uint64(x - '0'), true
	case x >= 'a' && x <= 'f':
		return uint64(x-'a') + 10, true
	case x >= 'A' && x <= 'F':
		return uint64(x-'A') + 10, true
	}
	return 0, false
}
