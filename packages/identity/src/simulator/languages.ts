/** What names and places of made-up people are put together from. All of it says that it is an example. */
export interface SimulatedLanguage {
  /** ISO 639-2, as MOSIP names languages. */
  readonly code: string
  readonly givenNames: readonly string[]
  readonly familyNames: readonly string[]
  readonly streets: readonly string[]
  readonly cities: readonly string[]
  readonly region: string
  readonly female: string
  readonly male: string
}

/** Every second person of these has a name in Latin letters too, as MOSIP's forms ask for. */
export const SIMULATED_LANGUAGES: readonly SimulatedLanguage[] = [
  {
    code: 'eng',
    givenNames: ['Testina', 'Samplo', 'Mockelle', 'Dummeth', 'Fictia', 'Protus', 'Demora', 'Examplia'],
    familyNames: ['Exampleton', 'Sampleby', 'Mockford', 'Testwick', 'Placeholder', 'Fauxley'],
    streets: ['Example Street', 'Sample Lane', 'Test Row', 'Mock Road'],
    cities: ['Exampleville', 'Sampleton', 'Testbury'],
    region: 'Example Region',
    female: 'Female',
    male: 'Male',
  },
  {
    code: 'fra',
    givenNames: ['Testine', 'Exemplaire', 'Fictive', 'Essaïe', 'Modèle', 'Démoé', 'Inventée', 'Factice'],
    familyNames: ['Exempleau', 'Dessai', 'Dufictif', 'Échantillonneux', 'Modelais', 'Letest'],
    streets: ["rue de l'Exemple", 'allée du Modèle', "place de l'Essai", 'quai Fictif'],
    cities: ['Exempleville', 'Essai-sur-Test', 'Saint-Modèle'],
    region: "Région d'Exemple",
    female: 'Femme',
    male: 'Homme',
  },
  {
    code: 'ara',
    givenNames: ['تجريبة', 'مثال', 'نموذجة', 'افتراض', 'اختبار', 'عينة', 'خيالية', 'وهمي'],
    familyNames: ['المثالي', 'التجريبي', 'النموذجي', 'الافتراضي', 'الاختباري', 'الخيالي'],
    streets: ['شارع المثال', 'طريق التجربة', 'زقاق النموذج', 'ساحة الاختبار'],
    cities: ['مدينة المثال', 'قرية التجربة', 'بلدة النموذج'],
    region: 'إقليم المثال',
    female: 'أنثى',
    male: 'ذكر',
  },
  {
    code: 'hin',
    givenNames: ['नमूना', 'उदाहरणा', 'परीक्षिका', 'काल्पनिक', 'प्रयोगा', 'आदर्शिका', 'प्रतिरूप', 'जाँचिता'],
    familyNames: ['उदाहरणकर', 'नमूनावाला', 'परीक्षणी', 'काल्पनिकर', 'प्रयोगशील', 'प्रतिरूपकर'],
    streets: ['उदाहरण मार्ग', 'नमूना गली', 'परीक्षण पथ', 'प्रयोग चौक'],
    cities: ['उदाहरणपुर', 'नमूनाबाद', 'परीक्षणनगर'],
    region: 'उदाहरण प्रदेश',
    female: 'महिला',
    male: 'पुरुष',
  },
  {
    code: 'spa',
    givenNames: [
      'Ejempla',
      'Pruebano',
      'Muestrina',
      'Ficticia',
      'Ensayo',
      'Modelina',
      'Demostro',
      'Inventina',
    ],
    familyNames: ['Ejemplez', 'de la Muestra', 'Pruebáñez', 'Ficticio', 'Ensayero', 'Modelaño'],
    streets: ['calle del Ejemplo', 'avenida de la Prueba', 'plaza de la Muestra', 'paseo Ficticio'],
    cities: ['Villa Ejemplo', 'Pruebaluña', 'San Modelo'],
    region: 'Región de Ejemplo',
    female: 'Mujer',
    male: 'Hombre',
  },
]
