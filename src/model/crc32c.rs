//! CRC-32C, the checksum of Kafka's batches and of PROXY protocol headers (RFC 3720, appendix B.4).

/// What each byte does to the sum, lowest bit first.
const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < table.len() {
        let mut sum = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            sum = sum >> 1 ^ if sum & 1 == 1 { 0x82f6_3b78 } else { 0 };
            bit += 1;
        }
        table[byte] = sum;
        byte += 1;
    }
    table
};

/// The checksum of `bytes`.
pub fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |sum: u32, byte| {
        let [low, ..] = sum.to_le_bytes();
        sum >> 8 ^ TABLE[usize::from(low ^ byte)]
    })
}

#[cfg(test)]
mod tests {
    /// The check value in the catalogue of CRCs.
    #[test]
    fn the_sum_is_as_specified() {
        assert_eq!((super::crc32c(b"123456789"), super::crc32c(b"")), (0xe306_9283, 0));
    }
}
