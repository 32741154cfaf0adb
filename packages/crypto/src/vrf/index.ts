export { VRF_OUTPUT_BYTES, VRF_PROOF_BYTES, vrfOutput } from './proof.ts'
export {
  VRF_PUBLIC_KEY_BYTES,
  VRF_SECRET_KEY_BYTES,
  type VrfKeyPair,
  vrfKeyPair,
  vrfProve,
} from './prove.ts'
export { vrfVerify } from './verify.ts'
