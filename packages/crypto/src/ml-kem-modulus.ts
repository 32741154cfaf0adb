const MODULUS = 3_329
/** 768 coefficients of 12 bits, two in three bytes; 32 bytes of matrix seed follow. */
const COEFFICIENT_BYTES = 1_152

/** The modulus check of an ML-KEM-768 encapsulation key (FIPS 203 §7.2): every coefficient is below 3329. */
export function passesMlKemModulusCheck(encapsulationKey: Uint8Array): boolean {
  for (let at = 0; at < COEFFICIENT_BYTES; at += 3) {
    const middle = encapsulationKey[at + 1]!
    const first = encapsulationKey[at]! | ((middle & 0x0f) << 8)
    const second = (middle >> 4) | (encapsulationKey[at + 2]! << 4)
    if (first >= MODULUS || second >= MODULUS) return false
  }
  return true
}
