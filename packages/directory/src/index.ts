export {
  DEVICE_REQUEST_EXPORT_BYTES,
  DEVICE_REQUEST_EXPORT_LABEL,
  DEVICE_REQUEST_WINDOW_SECONDS,
} from './request-signature/device-profile.ts'
export {
  type RequestParts,
  type RequestSigner,
  signDeviceRequest,
} from './request-signature/sign-device-request.ts'
export {
  type DeviceRequest,
  isDeviceRequest,
  type KnownDevice,
  verifyDeviceRequest,
} from './request-signature/verify-device-request.ts'
