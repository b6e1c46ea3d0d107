// A checksum, for pages that have none: `crypto.subtle` is missing where a page came by http.

/** The 32 bits behind the point of `x`. */
function fraction(x) { return Math.floor(x%1*2**32) }

const primes = []
for (let n = 2; primes.length < 64; n++) if (primes.every(p => n%p)) primes.push(n)
const constants = primes.map(p => fraction(Math.cbrt(p)))
const first = primes.slice(0, 8).map(p => fraction(Math.sqrt(p)))

function rotate(x, n) { return x >>> n | x << 32 - n }

/** The text as blocks of 16 numbers of 32 bits: its bytes, a 1, zeros, and last how many bits it has. */
function blocks(text) {
  const bytes = [...new TextEncoder().encode(text)], bits = 8*bytes.length
  bytes.push(0x80)
  while (bytes.length%64 !== 56) bytes.push(0)
  const words = []
  bytes.forEach((byte, i) => { words[i >> 2] |= byte << 24 - i%4*8 })
  words.push(0, bits)
  return words.map((_, i) => words.slice(i, i + 16)).filter((_, i) => i%16 === 0)
}

/** The 64 numbers that a block is stretched to. */
function stretch(block) {
  const w = [...block]
  for (let i = 16; i < 64; i++) {
    const x = w[i - 15], y = w[i - 2]
    const mixed = (rotate(x, 7)^rotate(x, 18)^x >>> 3) + (rotate(y, 17)^rotate(y, 19)^y >>> 10)
    w.push(w[i - 16] + w[i - 7] + mixed | 0)
  }
  return w
}

/** The SHA-256 of a text in hex (FIPS 180-4), as Python's `sha256(text.encode()).hexdigest()`. */
export function sha256(text) {
  const sum = blocks(text).reduce((before, block) => {
    let [a, b, c, d, e, f, g, h] = before
    stretch(block).forEach((w, i) => {
      const up = h + (rotate(e, 6)^rotate(e, 11)^rotate(e, 25)) + (e&f^~e&g) + constants[i] + w
      const down = (rotate(a, 2)^rotate(a, 13)^rotate(a, 22)) + (a&b^a&c^b&c)
      ;[a, b, c, d, e, f, g, h] = [up + down | 0, a, b, c, d + up | 0, e, f, g]
    })
    return [a, b, c, d, e, f, g, h].map((x, i) => x + before[i] | 0)
  }, first)
  return sum.map(x => (x >>> 0).toString(16).padStart(8, '0')).join('')
}
