import 'element-plus/theme-chalk/base.css'
import 'element-plus/theme-chalk/dark/css-vars.css'
import './style.css'
import { createApp } from 'vue'
import App from './App.vue'
import { whenSessionEnds } from './api/client'
import { router } from './router'
import { forget } from './session'
import { i18n } from './words'

whenSessionEnds(() => {
  forget()
  const { fullPath, name } = router.currentRoute.value
  if (name !== 'login') void router.push({ name: 'login', query: { to: fullPath, ended: '1' } })
})

createApp(App).use(router).use(i18n).mount('#app')
